"""What shows secrets: to whom it does, and that the audit has it first."""

from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from sqlalchemy import text

from app.db.session import Database
from app.domain import ids
from app.domain.environment import Given
from app.domain.ids import NodeType
from app.domain.viewer import API, TokenScope, Viewer
from app.services import environment, projects
from app.services.projects import NewProject
from tests.integration.app.graphql.conftest import Ask
from tests.integration.app.graphql.walk import contents
from tests.integration.world import KEYS, MAKERS, token_of, viewer_of

CANARY = "canary-4711"
REVEAL = """mutation ($id: ID!) { revealVariable(id: $id) { value variable { key value } } }"""
EXPORT = """mutation ($to: ID!, $category: String) {
  exportVariables(projectId: $to, category: $category) { dotenv } }"""
IMPORT = """mutation ($to: ID!, $input: ImportVariablesInput!) {
  importVariables(projectId: $to, input: $input) { errors { field message }
    project { generation environment { key category isSecret } } } }"""
DATABASE = """mutation ($id: ID!) { revealDatabaseCredentials(databaseId: $id) {
  credentials { host port database username password url } } }"""
TERMINAL = """mutation ($id: ID!) { revealTerminalCredentials(sandboxId: $id) {
  credentials { username password url } } }"""


async def whole_project(database: Database, viewer: Viewer) -> UUID:
    """A project with a sandbox and a database."""
    async with database.begin(viewer) as session:
        return (await projects.create(session, viewer, MAKERS, NewProject("shop"))).id


async def variable_in(database: Database, viewer: Viewer, project: UUID, key: str = "TOKEN") -> str:
    """The id of a secret variable."""
    async with database.begin(viewer) as session:
        row = await environment.put(session, viewer, KEYS, project, Given(key, CANARY))
    return ids.encode(NodeType.VARIABLE, row.id)


async def recorded(database: Database, action: str) -> list[Any]:
    """The lines of the audit about this action."""
    async with database.read(API) as connection:
        found = await connection.execute(
            text(
                "SELECT subject_type, subject_name, outcome, actor_kind, detail FROM audit"
                " WHERE action = :action ORDER BY id"
            ),
            {"action": action},
        )
        return [tuple(row) for row in found]


async def member(database: Database, kind: str) -> UUID:
    async with database.read(API) as connection:
        query = text("SELECT id FROM resource WHERE kind = :kind")
        key: UUID = (await connection.execute(query, {"kind": kind})).scalar_one()
        return key


async def test_a_variable_is_shown_and_that_is_recorded_without_its_value(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    key = await variable_in(database, viewer, await whole_project(database, viewer))

    answer = await ask(viewer, REVEAL, id=key)

    assert answer["data"]["revealVariable"] == {
        "value": CANARY,
        "variable": {"key": "TOKEN", "value": None},
    }
    assert await recorded(database, "variable.reveal") == [
        ("Variable", "TOKEN", "DONE", "USER", None)
    ]
    assert CANARY not in str(await contents(database))


async def test_a_token_needs_the_scope_for_secrets_and_sees_its_projects_alone(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    first, second = await whole_project(database, viewer), await whole_project(database, viewer)
    key, other = [await variable_in(database, viewer, it) for it in (first, second)]
    _, blind = await token_of(
        database, viewer, "blind", scopes=set(TokenScope) - {TokenScope.SECRETS_READ}
    )
    _, limited = await token_of(
        database, viewer, "limited", scopes=[TokenScope.SECRETS_READ], only=[first]
    )

    codes = [
        (await ask(blind, REVEAL, id=key))["codes"],
        (await ask(limited, REVEAL, id=other))["codes"],
        (await ask(limited, EXPORT, to=ids.encode(NodeType.PROJECT, second)))["codes"],
        (await ask(limited, REVEAL, id=key))["codes"],
    ]

    assert codes == [["FORBIDDEN"], ["NOT_FOUND"], ["NOT_FOUND"], []]
    lines = await recorded(database, "variable.reveal")
    assert [line[3] for line in lines if line[2] == "DONE"] == ["TOKEN"]


async def test_what_is_exported_is_imported_elsewhere_as_one_intent(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    first, second = await whole_project(database, viewer), await whole_project(database, viewer)
    values = {"A": "two words", "B": 'it\'s "so"\n#2\\n', "C": "", "D": "ü\r\n"}
    async with database.begin(viewer) as session:
        await environment.replace(
            session,
            viewer,
            KEYS,
            first,
            category="web",
            given=[Given(key, value) for key, value in values.items()],
        )
    await variable_in(database, viewer, first, "ELSEWHERE")
    to = ids.encode(NodeType.PROJECT, second)

    source = ids.encode(NodeType.PROJECT, first)
    exported = await ask(viewer, EXPORT, to=source, category="web")
    dotenv = exported["data"]["exportVariables"]["dotenv"]
    imported = await ask(viewer, IMPORT, to=to, input={"dotenv": dotenv, "isSecret": False})
    seen = await ask(
        viewer, "query ($to: ID!) { project(id: $to) { environment { key value } } }", to=to
    )

    assert imported["data"]["importVariables"]["project"]["generation"] == 2
    found = seen["data"]["project"]["environment"]
    assert {one["key"]: one["value"] for one in found} == values
    assert await recorded(database, "variable.export") == [
        ("Project", "shop", "DONE", "USER", {"secrets": ["A", "B", "C", "D"]})
    ]


async def test_every_line_that_is_wrong_is_named_and_nothing_is_changed(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    project = ids.encode(NodeType.PROJECT, await whole_project(database, viewer))
    before = await contents(database)

    answer = await ask(
        viewer, IMPORT, to=project, input={"dotenv": "A=1\nPORT=1\n\n1B=2\nTTYD_USER=x"}
    )

    problems = answer["data"]["importVariables"]["errors"]
    assert {tuple(one["field"]) for one in problems} == {("dotenv",)}
    assert [one["message"].split(":")[0] for one in problems] == ["Line 2", "Line 4", "Line 5"]
    assert await contents(database) == before


async def test_a_databases_credentials_are_shown_once_they_are_known(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    await whole_project(database, viewer)
    key = await member(database, "DATABASE")
    to = ids.encode(NodeType.DATABASE, key)
    password = "p@ss:w/rd %ü"

    early = await ask(viewer, DATABASE, id=to)
    async with database.begin(API) as session:
        await session.execute(
            text(
                "UPDATE database SET host = 'db.svc', port = 5432, database = 'post gres',"
                " username = 'us/er', password = :password"
            ),
            {"password": KEYS.seal(password, "database", key, "password")},
        )
    answer = await ask(viewer, DATABASE, id=to)

    shown = answer["data"]["revealDatabaseCredentials"]["credentials"]
    url = urlsplit(shown.pop("url"))
    assert early["data"]["revealDatabaseCredentials"] == {"credentials": None}
    assert shown == {
        "host": "db.svc",
        "port": 5432,
        "database": "post gres",
        "username": "us/er",
        "password": password,
    }
    assert (url.hostname, url.port, unquote(url.path)) == ("db.svc", 5432, "/post gres")
    assert (unquote(url.username or ""), unquote(url.password or "")) == ("us/er", password)
    assert await recorded(database, "database.reveal") == [("Database", "db", "DONE", "USER", None)]


async def test_what_a_terminal_asks_for_is_shown_and_recorded(ask: Ask, database: Database) -> None:
    viewer = await viewer_of(database)
    await whole_project(database, viewer)
    to = ids.encode(NodeType.SANDBOX, await member(database, "SANDBOX"))

    answer = await ask(viewer, TERMINAL, id=to)

    shown = answer["data"]["revealTerminalCredentials"]["credentials"]
    assert (shown["username"], shown["url"]) == ("mooring", None)
    assert len(shown["password"]) == 32
    assert await recorded(database, "sandbox.reveal") == [("Sandbox", "app", "DONE", "USER", None)]
