"""Leaving: what ends at once, and what has to be so."""

import pytest
from sqlalchemy import text

from app.db.session import Database
from app.db.sessions import SignIn
from app.domain.errors import Unauthenticated
from app.domain.viewer import API
from app.services import projects
from app.services.projects import NewProject
from app.settings import Settings
from tests.integration.app.graphql.conftest import Ask, asker, state_of
from tests.integration.world import MAKERS, again, project_of, token_of, viewer_of

DELETE = "mutation { deleteAccount { deletedLogin projects } }"
ME = "{ me { login } }"
PASSWORD = "correct horse battery"
SIGN_UP = """mutation ($l: String!) {
  signUp(input: {login: $l, password: "correct horse battery"}) {
    credentials { user { login } } errors { code field } } }"""
SIGN_IN = """mutation { signIn(input: {login: "ada", password: "correct horse battery"}) {
  credentials { user { login } } } }"""
QUICK = {"password_memory": 35840, "password_time": 1, "password_parallelism": 1}


@pytest.fixture
def ask(api_database: Database) -> Ask:
    """Anybody may sign up."""
    return asker(state_of(api_database, Settings(sign_up=["PASSWORD"], **QUICK)))  # type: ignore[arg-type]


async def wishes(database: Database) -> list[tuple[str, str]]:
    """Of all resources: whose, and what is wanted."""
    async with database.read(API) as connection:
        found = await connection.execute(
            text(
                "SELECT a.login, r.desired_state FROM resource r JOIN account a"
                " ON a.id = r.account_id ORDER BY a.login, r.id"
            )
        )
        return [(row.login, row.desired_state) for row in found]


async def test_all_projects_go_and_nobody_comes_in_any_more(ask: Ask, database: Database) -> None:
    state = state_of(database, Settings(**QUICK))  # type: ignore[arg-type]
    made = await state.by_password.sign_up("ada", PASSWORD, SignIn("PASSWORD"))
    viewer = await again(database, made.user)
    other = await viewer_of(database, "eve")
    for name in ("shop", "blog"):
        await project_of(database, viewer, name)
    await project_of(database, other)
    _, token = await token_of(database, viewer)

    answer = await ask(viewer, DELETE)

    assert answer["data"]["deleteAccount"] == {"deletedLogin": "ada", "projects": 2}
    assert await wishes(database) == [("ada", "DELETED"), ("ada", "DELETED"), ("eve", "RUNNING")]
    assert (await ask(viewer, ME))["codes"] == ["UNAUTHENTICATED"]
    assert (await ask(token, ME))["codes"] == ["UNAUTHENTICATED"]
    assert (await ask(None, SIGN_IN))["codes"] == ["BAD_CREDENTIALS"]
    taken = (await ask(None, SIGN_UP, l="ada"))["data"]["signUp"]
    assert taken == {"credentials": None, "errors": [{"code": "TAKEN", "field": ["login"]}]}
    assert (await ask(other, ME))["data"] == {"me": {"login": "eve"}}


async def test_what_was_under_way_makes_nothing_in_an_account_that_goes(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    await ask(viewer, DELETE)

    with pytest.raises(Unauthenticated):
        async with database.begin(viewer) as session:
            await projects.create(session, viewer, MAKERS, NewProject("late"))

    # Nor does a token that was made just then.
    _, token = await token_of(database, viewer)
    assert (await ask(token, ME))["codes"] == ["UNAUTHENTICATED"]


async def test_it_takes_a_fresh_sign_in_and_no_token(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    _, token = await token_of(database, viewer)

    by_token = await ask(token, DELETE)
    async with database.begin(API) as session:
        await session.execute(
            text("UPDATE session SET authenticated_at = mooring_now() - interval '1 hour'")
        )
    late = await ask(viewer, DELETE)

    assert by_token["codes"] == ["FORBIDDEN"]
    assert late["codes"] == ["FRESH_SIGN_IN_REQUIRED"]
    assert (await ask(viewer, ME))["data"] == {"me": {"login": "ada"}}


async def test_the_audit_says_who_left(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    await project_of(database, viewer)

    await ask(viewer, DELETE)

    async with database.read(API) as connection:
        found = await connection.execute(
            text("SELECT actor_name, subject_name, detail FROM audit WHERE action = :action"),
            {"action": "account.delete"},
        )
        assert [tuple(row) for row in found] == [("ada", "ada", {"projects": 1})]
