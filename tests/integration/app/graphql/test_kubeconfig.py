"""The viewer's kubeconfig through the API: what is stored, shown, told and forgotten."""

import json
from typing import Any

from sqlalchemy import text

from app.db.credentials import COLUMN, TABLE
from app.db.session import Database
from app.domain.kubeconfig import Kubeconfig, Token
from app.domain.viewer import API, RECONCILER, Viewer
from tests.integration.app.graphql.conftest import Ask, Follow
from tests.integration.app.graphql.serving import Api, served
from tests.integration.world import KEYS, project_of, viewer_of
from tests.kubeconfigs import changed, good

SHOWN = "server namespace state reason message user missingPermissions checkedAt updatedAt"
SET = f"""mutation ($input: KubeconfigInput!) {{
  setKubeconfig(input: $input) {{ kubeconfig {{ {SHOWN} }} errors {{ code field message }} }} }}"""
FOLLOW = f"""subscription {{ settingChanged {{
  key category isSecret value kubeconfig {{ {SHOWN} }} }} }}"""
SECRET = "s3cr3t-t0ken"


async def put(ask: Ask, viewer: Viewer, **tree: Any) -> Any:
    kubeconfig = json.dumps(good(**tree))
    return await ask(viewer, SET, input={"kubeconfig": kubeconfig})


async def rows(database: Database, statement: str) -> list[Any]:
    async with database.read(API) as connection:
        return list((await connection.execute(text(statement))).all())


async def looked(database: Database, state: str, reason: str | None = None) -> None:
    """What the reconciler writes down of the one kubeconfig that there is."""
    async with database.begin(RECONCILER) as session:
        await session.execute(
            text(
                "UPDATE credential SET state = :state, reason = :reason, message = 'words',"
                " username = 'alice', missing = '{list pods}', checked_at = mooring_now(),"
                " observed_generation = generation"
            ),
            {"state": state, "reason": reason},
        )


async def test_it_is_stored_sealed_as_our_model_and_never_shown(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)

    answer = await put(ask, viewer)

    shown = answer["data"]["setKubeconfig"]["kubeconfig"]
    [row] = await rows(database, "SELECT id, model, asked, lane, generation FROM credential")
    stored = Kubeconfig.load(KEYS.open(row.model, TABLE, row.id, COLUMN))
    assert shown | {"updatedAt": ""} == {
        "server": "https://kube.example.com:6443",
        "namespace": "team-a",
        "state": "CHECKING",
        "reason": None,
        "message": None,
        "user": None,
        "missingPermissions": [],
        "checkedAt": None,
        "updatedAt": "",
    }
    assert stored.credential == Token(SECRET)
    assert (row.lane, row.generation) == (0, 1)
    assert SECRET not in str(answer)
    assert SECRET.encode() not in row.model


async def test_what_is_refused_is_named_and_changes_nothing(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    hostile = changed(good(), "users", 0, "user", "exec", to={"command": "sh"})

    answer = await ask(viewer, SET, input={"kubeconfig": json.dumps(hostile)})

    assert answer["data"]["setKubeconfig"] == {
        "kubeconfig": None,
        "errors": [
            {
                "code": "NOT_ALLOWED",
                "field": ["kubeconfig"],
                "message": "users[0].user.exec: it would run a program.",
            }
        ],
    }
    assert await rows(database, "SELECT 1 FROM credential") == []


async def test_another_one_replaces_it_and_hides_what_was_seen_of_the_first(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    await put(ask, viewer)
    await looked(database, "REFUSED", "PermissionMissing")
    before = (await ask(viewer, f"{{ kubeconfig {{ {SHOWN} }} }}"))["data"]["kubeconfig"]
    asked = await rows(database, "SELECT asked FROM resource")

    answer = await put(ask, viewer, server="https://other.example.com")

    after = answer["data"]["setKubeconfig"]["kubeconfig"]
    assert (before["user"], before["missingPermissions"]) == ("alice", ["list pods"])
    assert (before["state"], before["reason"], before["message"]) == (
        "REFUSED",
        "PermissionMissing",
        "words",
    )
    assert (after["state"], after["reason"], after["message"]) == ("CHECKING", None, None)
    assert (after["user"], after["missingPermissions"], after["checkedAt"]) == (None, [], None)
    assert await rows(database, "SELECT generation FROM credential") == [(2,)]
    assert await rows(database, "SELECT asked FROM resource") == [(asked[0].asked + 1,)]


async def test_to_check_asks_for_a_look_at_it_and_at_what_is_reached_by_it(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    await put(ask, viewer)
    await looked(database, "REFUSED", "CredentialRejected")
    [(credential, resource)] = await rows(
        database, "SELECT c.asked, r.asked FROM credential c, resource r"
    )

    answer = await ask(viewer, "mutation { checkKubeconfig { kubeconfig { state reason } } }")

    assert answer["data"]["checkKubeconfig"]["kubeconfig"] == {"state": "CHECKING", "reason": None}
    assert await rows(database, "SELECT c.asked, r.asked FROM credential c, resource r") == [
        (credential + 1, resource + 1)
    ]


async def test_it_is_forgotten(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)
    await put(ask, viewer)
    [(asked,)] = await rows(database, "SELECT asked FROM resource")
    document = "mutation { deleteKubeconfig { deletedServer deletedNamespace } }"

    answer = await ask(viewer, document)
    again = await ask(viewer, document)

    assert answer["data"]["deleteKubeconfig"] == {
        "deletedServer": "https://kube.example.com:6443",
        "deletedNamespace": "team-a",
    }
    assert again["codes"] == ["NOT_FOUND"]
    assert (await ask(viewer, "{ kubeconfig { state } }"))["data"] == {"kubeconfig": None}
    assert await rows(database, "SELECT 1 FROM credential") == []
    assert await rows(database, "SELECT asked FROM resource") == [(asked + 1,)]


async def test_who_did_it_is_in_the_audit_without_what_was_given(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    await put(ask, viewer)
    await ask(viewer, "mutation { checkKubeconfig { kubeconfig { state } } }")
    await ask(viewer, "mutation { deleteKubeconfig { deletedServer } }")

    lines = await rows(
        database,
        "SELECT action, user_id, detail, a::text FROM audit a WHERE action LIKE 'kubeconfig%'"
        " ORDER BY id",
    )

    assert [line.action for line in lines] == [
        "kubeconfig.set",
        "kubeconfig.check",
        "kubeconfig.delete",
    ]
    assert {line.user_id for line in lines} == {viewer.user_id}
    assert lines[0].detail == {"server": "https://kube.example.com:6443", "namespace": "team-a"}
    assert SECRET not in str(lines)


async def test_nobody_sees_or_changes_anothers(
    ask: Ask, follow: Follow, database: Database
) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")
    await put(ask, ada)

    seen = await ask(bob, "{ kubeconfig { server } }")
    told = await follow(bob, FOLLOW)
    checked = await ask(bob, "mutation { checkKubeconfig { kubeconfig { server } } }")
    deleted = await ask(bob, "mutation { deleteKubeconfig { deletedServer } }")
    await put(ask, bob, server="https://bob.example.com")

    assert seen["data"] == {"kubeconfig": None}
    assert told["data"] == {"settingChanged": []}
    assert checked["codes"] == deleted["codes"] == ["NOT_FOUND"]
    found = await rows(database, "SELECT server FROM credential ORDER BY server")
    assert [row.server for row in found] == [
        "https://bob.example.com",
        "https://kube.example.com:6443",
    ]


async def test_new_resources_go_where_the_kubeconfig_says(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer, "before")
    await put(ask, viewer)
    document = "mutation ($input: CreateProjectInput!) { createProject(input: $input) {"
    document += " project { sandboxes { k8sNamespace } databases { k8sNamespace } } } }"

    answer = await ask(viewer, document, input={"name": "after"})
    await ask(viewer, "mutation { deleteKubeconfig { deletedServer } }")
    await project_of(database, viewer, "last")

    made = answer["data"]["createProject"]["project"]
    places = await rows(database, "SELECT k8s_server, k8s_namespace FROM sandbox ORDER BY id")
    assert made["sandboxes"] == made["databases"] == [{"k8sNamespace": "team-a"}]
    assert [tuple(row) for row in places] == [
        (None, "mooring"),
        ("https://kube.example.com:6443", "team-a"),
        (None, "mooring"),
    ]
    assert await rows(database, "SELECT k8s_server FROM database") == [
        ("https://kube.example.com:6443",)
    ]


async def test_its_state_is_told_when_it_is_looked_at(api: Api) -> None:
    viewer = await viewer_of(api.database)
    token = api.token(viewer)
    document = FOLLOW

    async with api.stream(document, token) as stream:
        first = await stream.next()
        kubeconfig = json.dumps(good())
        await api.post({"query": SET, "variables": {"input": {"kubeconfig": kubeconfig}}}, token)
        second = await stream.next()

    assert first.data["data"] == {"settingChanged": []}
    [setting] = second.data["data"]["settingChanged"]
    assert (setting["key"], setting["category"], setting["value"]) == ("KUBECONFIG", "KC", None)
    assert setting["isSecret"] is True
    assert setting["kubeconfig"]["state"] == "CHECKING"


async def test_without_wake_ups_it_is_told_later(url: str) -> None:

    async with served(url, notify=False, settings_poll=0.05) as quiet:
        viewer = await viewer_of(quiet.database)
        token = quiet.token(viewer)
        async with quiet.stream(FOLLOW, token) as stream:
            await stream.next()
            kubeconfig = json.dumps(good())
            await quiet.post(
                {"query": SET, "variables": {"input": {"kubeconfig": kubeconfig}}}, token
            )
            await stream.next()
            await looked(quiet.database, "READY")
            told = await stream.next()

    [setting] = told.data["data"]["settingChanged"]
    assert setting["kubeconfig"]["state"] == "READY"
    assert setting["kubeconfig"]["user"] == "alice"


async def test_who_is_not_signed_in_is_refused(ask: Ask, follow: Follow) -> None:
    assert (await follow(None, FOLLOW))["codes"] == ["UNAUTHENTICATED"]
    assert (await ask(None, "{ kubeconfig { state } }"))["codes"] == ["UNAUTHENTICATED"]


async def test_a_good_one_that_is_set_again_changes_nothing(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    await put(ask, viewer)
    await looked(database, "READY")
    await project_of(database, viewer)
    watched = "SELECT c.*, r.asked, r.due_at FROM credential c, resource r"
    before = await rows(database, watched)

    again = await put(ask, viewer)

    assert again["data"]["setKubeconfig"]["kubeconfig"]["state"] == "READY"
    assert await rows(database, watched) == before
