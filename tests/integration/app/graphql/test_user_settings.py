"""What a user configures: masked everywhere, limited, and given to sandboxes when it was asked."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.session import Database
from app.domain import ids
from app.domain.anthropic import API_KEY, MODEL, Apply
from app.domain.environment import Given
from app.domain.errors import InvalidInput
from app.domain.ids import NodeType
from app.domain.states import DesiredState
from app.domain.viewer import API, TokenScope, Viewer
from app.services import anthropic, projects, settings
from app.services.projects import NewProject
from app.settings import Settings
from tests.integration.app.graphql.conftest import Ask, Follow, asker, state_of
from tests.integration.app.graphql.walk import contents
from tests.integration.passes import passed, running
from tests.integration.world import KEYS, MAKERS, project_of, token_of, viewer_of

CANARY = "canary-4711"
SET = """mutation ($input: SetSettingInput!) { setSetting(input: $input) {
  setting { id key value category isSecret } errors { code field } } }"""
DELETE = "mutation ($id: ID!) { deleteSetting(id: $id) { setting { key value } } }"
REVEAL = "mutation ($id: ID!) { revealSetting(id: $id) { value setting { key value } } }"
LIST = "query ($of: SettingCategory) { me { settings(category: $of) { id key value } } }"
ANTHROPIC = """mutation ($input: SetAnthropicSettingsInput!) {
  setAnthropicSettings(input: $input) { sandboxes settings { key value isSecret category }
    errors { code } } }"""


async def put(ask: Ask, viewer: Viewer, **given: object) -> Any:
    answer = await ask(viewer, SET, input=given)
    assert not answer["errors"]
    return answer["data"]["setSetting"]["setting"]


async def configure(ask: Ask, viewer: Viewer, **given: object) -> Any:
    answer = await ask(viewer, ANTHROPIC, input=given)
    assert not answer["errors"]
    assert answer["data"]["setAnthropicSettings"]["errors"] == []
    return answer["data"]["setAnthropicSettings"]


async def rows(database: Database, statement: str) -> list[Any]:
    async with database.read(API) as connection:
        return list((await connection.execute(text(statement))).all())


async def given_to(database: Database) -> dict[str, dict[str, str] | None]:
    """What each sandbox runs with, by the name of its project; None: no version at all."""
    found = await rows(
        database,
        "SELECT s.project_name, v.id, v.value FROM sandbox s"
        " LEFT JOIN anthropic_version v ON v.id = s.anthropic_id",
    )
    return {
        row.project_name: None
        if row.id is None
        else json.loads(KEYS.open(row.value, "anthropic_version", row.id, "value"))
        for row in found
    }


async def generations(database: Database) -> dict[str, int]:
    found = await rows(
        database,
        "SELECT s.project_name AS name, r.generation FROM sandbox s JOIN resource r USING (id)",
    )
    return {row.name: row.generation for row in found}


async def want(database: Database, viewer: Viewer, project: UUID, desired: DesiredState) -> None:
    async with database.begin(viewer) as session:
        await projects.want(session, viewer, project, desired)


async def test_a_setting_is_sealed_masked_unless_it_says_so_and_shown_on_request(
    ask: Ask, follow: Follow, database: Database
) -> None:
    viewer = await viewer_of(database)

    secret = await put(ask, viewer, key="gh-token", value=CANARY, category="GITHUB")
    plain = await put(ask, viewer, key="editor", value="vim", isSecret=False)
    listed = await ask(viewer, LIST)
    one = await ask(viewer, LIST, of="GITHUB")
    node = await ask(
        viewer, "query ($id: ID!) { node(id: $id) { ... on Setting { value } } }", id=secret["id"]
    )
    streamed = await follow(viewer, "subscription { settingChanged { key value } }")
    shown = await ask(viewer, REVEAL, id=secret["id"])

    assert (secret["value"], secret["isSecret"], secret["category"]) == (None, True, "GITHUB")
    assert (plain["value"], plain["isSecret"], plain["category"]) == ("vim", False, "GENERAL")
    assert [row["key"] for row in listed["data"]["me"]["settings"]] == ["editor", "gh-token"]
    assert [row["key"] for row in one["data"]["me"]["settings"]] == ["gh-token"]
    assert node["data"] == {"node": {"value": None}}
    assert [row["value"] for row in streamed["data"]["settingChanged"]] == ["vim", None]
    assert CANARY not in str([secret, listed, one, streamed])
    assert shown["data"]["revealSetting"]["value"] == CANARY
    assert shown["data"]["revealSetting"]["setting"] == {"key": "gh-token", "value": None}
    assert CANARY not in str(await contents(database))
    lines = await rows(database, "SELECT action FROM audit WHERE action LIKE 'setting.%'")
    assert sorted(row.action for row in lines) == ["setting.reveal", "setting.set", "setting.set"]


async def test_the_same_again_changes_nothing_and_what_is_deleted_is_gone(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    made = await put(ask, viewer, key="editor", value="vim", isSecret=False)
    before = await contents(database)

    again = await put(ask, viewer, key="editor", value="vim")
    unchanged = await contents(database)
    changed = await put(ask, viewer, key="editor", value="emacs")
    gone = await ask(viewer, DELETE, id=made["id"])
    twice = await ask(viewer, DELETE, id=made["id"])

    assert again == made
    assert unchanged == before
    assert changed == made | {"value": "emacs"}
    assert gone["data"]["deleteSetting"]["setting"] == {"key": "editor", "value": "emacs"}
    assert twice["codes"] == ["NOT_FOUND"]
    assert (await ask(viewer, LIST))["data"]["me"]["settings"] == []


async def test_a_user_has_at_most_100_settings_even_when_they_come_at_once(
    database: Database,
) -> None:
    viewer = await viewer_of(database)

    async def add(key: str) -> bool:
        try:
            async with database.begin(viewer) as session:
                await settings.put(session, viewer, KEYS, Given(key, "1"), None)
        except InvalidInput:
            return False
        return True

    async with database.begin(viewer) as session:
        for number in range(98):
            await settings.put(session, viewer, KEYS, Given(f"k{number}", "1"), None)
    done = await asyncio.gather(*(add(f"at-once-{number}") for number in range(4)))

    assert sorted(done) == [False, False, True, True]
    assert await add("k0")
    with pytest.raises(InvalidInput):
        async with database.begin(viewer) as session:
            await anthropic.put(
                session, viewer, KEYS, {MODEL: "m"}, apply=Apply.NEXT_START, http=False
            )


async def test_a_token_for_single_projects_is_shown_no_setting(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)
    made = await put(ask, viewer, key="token", value=CANARY)
    _, limited = await token_of(database, viewer, scopes=[TokenScope.SECRETS_READ], only=[project])

    assert (await ask(limited, REVEAL, id=made["id"]))["codes"] == ["NOT_FOUND"]


async def test_anthropic_settings_are_typed_and_the_key_is_secret(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)

    first = await configure(
        ask, viewer, baseUrl="https://gateway.test", apiKey=CANARY, smallModel="small"
    )
    second = await configure(ask, viewer, baseUrl=None, model="large")

    secret = {"key": API_KEY, "value": None, "isSecret": True, "category": "ANTHROPIC_API"}
    assert first["settings"][0] == secret
    assert [(one["key"], one["value"]) for one in second["settings"]] == [
        ("ANTHROPIC_API_KEY", None),
        ("ANTHROPIC_MODEL", "large"),
        ("ANTHROPIC_SMALL_FAST_MODEL", "small"),
    ]
    assert CANARY not in str(await contents(database))


async def test_http_is_the_operators_to_allow(api_database: Database) -> None:
    asks = asker(state_of(api_database, Settings(anthropic_http=True)))
    viewer = await viewer_of(api_database)

    await configure(asks, viewer, baseUrl="http://gateway.test")


async def test_at_once_reaches_all_sandboxes_of_the_account_and_no_other_once(
    ask: Ask, database: Database
) -> None:
    viewer, other = await viewer_of(database), await viewer_of(database, "bob")
    await project_of(database, other, "theirs")
    await project_of(database, viewer, "up")
    down = await project_of(database, viewer, "down")
    going = await project_of(database, viewer, "going")
    await want(database, viewer, down, DesiredState.STOPPED)
    await want(database, viewer, going, DesiredState.DELETED)

    first = await configure(ask, viewer, apiKey="k", apply="AT_ONCE")
    before = await contents(database)
    again = await configure(ask, viewer, apiKey="k", apply="AT_ONCE")
    unchanged = await contents(database)

    assert (first["sandboxes"], again["sandboxes"]) == (2, 0)
    assert unchanged == before
    assert await given_to(database) == {
        "theirs": None,
        "going": None,
        "up": {API_KEY: "k"},
        "down": {API_KEY: "k"},
    }
    assert await generations(database) == {"theirs": 1, "up": 2, "down": 3, "going": 2}
    stays = await rows(database, "SELECT desired_state FROM resource r ORDER BY id")
    assert [row.desired_state for row in stays] == ["RUNNING", "RUNNING", "STOPPED", "DELETED"]
    seen = await rows(database, "SELECT action FROM change WHERE action LIKE '%.settings'")
    assert sorted(row.action for row in seen) == [
        "project.settings",
        "project.settings",
        "sandbox.settings",
        "sandbox.settings",
    ]


async def test_at_the_next_start_means_the_next_start_and_no_other_intent(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer, "shop")
    await configure(ask, viewer, apiKey="old")
    await want(database, viewer, project, DesiredState.STOPPED)
    await want(database, viewer, project, DesiredState.RUNNING)

    told = await configure(ask, viewer, apiKey="new")
    await want(database, viewer, project, DesiredState.RUNNING)
    set_one = """mutation ($to: ID!) {
      setVariable(projectId: $to, input: {key: "A", value: "1"}) { errors { code } } }"""
    await ask(viewer, set_one, to=ids.encode(NodeType.PROJECT, project))
    await passed(database, running)
    kept = await given_to(database)
    await want(database, viewer, project, DesiredState.STOPPED)
    stopped = await given_to(database)
    await want(database, viewer, project, DesiredState.RUNNING)
    started = await given_to(database)

    assert told["sandboxes"] == 0
    assert kept == stopped == {"shop": {API_KEY: "old"}}
    assert started == {"shop": {API_KEY: "new"}}


async def test_a_new_sandbox_has_the_newest_and_what_nobody_runs_with_is_forgotten(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    await configure(ask, viewer, apiKey="first")
    await configure(ask, viewer, apiKey="second")
    await project_of(database, viewer, "shop")
    made = await given_to(database)

    await configure(ask, viewer, apiKey=None, apply="AT_ONCE")

    assert made == {"shop": {API_KEY: "second"}}
    assert await given_to(database) == {"shop": {}}
    assert len(await rows(database, "SELECT id FROM anthropic_version")) == 1
    assert await rows(database, "SELECT id FROM user_config") == []


async def test_deleting_one_of_them_is_clearing_it_at_the_next_start(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    await configure(ask, viewer, apiKey="k", model="m")
    project = await project_of(database, viewer, "shop")
    listed = (await ask(viewer, LIST))["data"]["me"]["settings"]
    key = next(one["id"] for one in listed if one["key"] == API_KEY)

    await ask(viewer, DELETE, id=key)
    kept = await given_to(database)
    await want(database, viewer, project, DesiredState.STOPPED)
    await want(database, viewer, project, DesiredState.RUNNING)

    assert kept == {"shop": {API_KEY: "k", MODEL: "m"}}
    assert await given_to(database) == {"shop": {MODEL: "m"}}


async def test_no_sandbox_is_missed_while_projects_are_made_and_started(
    database: Database,
) -> None:
    viewer = await viewer_of(database)
    stopped = [await project_of(database, viewer, f"old{number}") for number in range(4)]
    for project in stopped:
        await want(database, viewer, project, DesiredState.STOPPED)

    async def make(number: int) -> None:
        async with database.begin(viewer) as session:
            new = NewProject(f"new{number}", databases=())
            await projects.create(session, viewer, MAKERS, new)

    async def configured(number: int) -> None:
        async with database.begin(viewer) as session:
            given = {API_KEY: f"k{number}"}
            await anthropic.put(session, viewer, KEYS, given, apply=Apply.AT_ONCE, http=False)

    await asyncio.gather(
        *(make(number) for number in range(4)),
        *(configured(number) for number in range(4)),
        *(want(database, viewer, project, DesiredState.RUNNING) for project in stopped),
    )

    found = list((await given_to(database)).values())
    assert len(found) == 8
    assert all(one == found[0] for one in found)
    assert len(await rows(database, "SELECT id FROM anthropic_version")) == 1
