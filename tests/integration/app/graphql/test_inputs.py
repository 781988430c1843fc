"""Every field of every input, at, below and above its limits: its code, or that it is taken.

What is refused changes nothing. A new input or field without values here fails the first test.
"""

# ruff: noqa: RUF001 - look-alikes are among what is refused
import json
from collections.abc import Mapping

import pytest
from graphql import GraphQLInputObjectType

from app.db.databases import DATABASES
from app.db.sandboxes import SANDBOXES
from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType, new_id
from app.domain.viewer import Viewer
from app.services import projects
from app.services.projects import NewProject
from tests.integration.app.graphql.conftest import Ask
from tests.integration.app.graphql.walk import EXAMPLES, contents, walked
from tests.integration.world import MAKERS, viewer_of
from tests.kubeconfigs import good

pytestmark = pytest.mark.security

# A mutation for each input, and the argument beside it.
MUTATIONS = {
    "SignUpInput": "signUp",
    "SetPasswordInput": "setPassword",
    "CreateApiTokenInput": "createApiToken",
    "CreateProjectInput": "createProject",
    "UpdateProjectInput": "updateProject",
    "SandboxInput": "createSandbox",
    "UpdateSandboxInput": "updateSandbox",
    "PortInput": "exposePort",
    "DatabaseInput": "createDatabase",
    "UpdateDatabaseInput": "updateDatabase",
    "SetVariableInput": "setVariable",
    "ReplaceVariablesInput": "replaceVariables",
    "VariableInput": "replaceVariables",
    "KubeconfigInput": "setKubeconfig",
    "ImportVariablesInput": "importVariables",
    "SetSettingInput": "setSetting",
    "SetAnthropicSettingsInput": "setAnthropicSettings",
}
# An input that is only ever part of another: that one, and where in it.
INSIDE = {"VariableInput": ("ReplaceVariablesInput", "variables")}
TAKEN_AS_IT_IS = None

Values = list[tuple[object, str | None]]


def text_of(least: int, most: int, *, clears: bool = False) -> Values:
    """Values of a text field of any script, and the code of each."""
    return [
        ("x" * least if least else "x", TAKEN_AS_IT_IS),
        ("x" * most, TAKEN_AS_IT_IS),
        ("x" * (most + 1), "TOO_LONG"),
        ("日本語 Käse Ελλάδα עברית", TAKEN_AS_IT_IS),
        ("e\u0301" * (most // 2), TAKEN_AS_IT_IS),
        ("👩‍👩‍👧 🚀", TAKEN_AS_IT_IS),
        ("  around  ", TAKEN_AS_IT_IS),
        ("a\0b", "INVALID"),
        ("a\x07b", "INVALID"),
        ("a\u202eb", "INVALID"),
        ("a\u2066b", "INVALID"),
        ("\ud800", "INVALID"),
        ("", TAKEN_AS_IT_IS if clears else "REQUIRED"),
        ("   ", TAKEN_AS_IT_IS if clears else "REQUIRED"),
    ]


def size_of(least: str, below: str, most: str, above: str) -> Values:
    """Values of a quantity."""
    wrong = ("abc", "-1", "1e9Gi", "", " 1", "1 Gi", "0x1", "１Gi", "1" * 40, "NaN", "1Gi\0")
    return [
        (least, TAKEN_AS_IT_IS),
        (most, TAKEN_AS_IT_IS),
        (below, "OUT_OF_RANGE"),
        (above, "OUT_OF_RANGE"),
        ("0", "OUT_OF_RANGE"),
        (None, TAKEN_AS_IT_IS),
        *((value, "INVALID") for value in wrong),
    ]


def no_null(values: Values) -> Values:
    """The same where null is refused, because what is left out stays."""
    return [(value, "REQUIRED" if value is None else code) for value, code in values]


CPU: Values = [
    *size_of("10m", "9m", "16", "16.001"),
    ("500m", TAKEN_AS_IT_IS),
    ("0.5", TAKEN_AS_IT_IS),
]
MEMORY = size_of("32Mi", "31Mi", "64Gi", "65Gi")
STORAGE = size_of("1Gi", "1023Mi", "1Ti", "1025Gi")
PG_VERSION: Values = [
    *((v, TAKEN_AS_IT_IS) for v in ("16", "16.4", "16.4.0", None)),
    *((v, "INVALID") for v in ("", "x", "16.", "latest", "16.4.0.1", "１６", "16\0", "-1")),
]
IMAGE: Values = [
    ("a", TAKEN_AS_IT_IS),
    ("registry.test:5000/team/app:1.2@sha256:" + "0" * 64, TAKEN_AS_IT_IS),
    ("x" * 255, TAKEN_AS_IT_IS),
    ("x" * 256, "TOO_LONG"),
    ("", "REQUIRED"),
    *((v, "INVALID") for v in ("a b", "a\0", "-a", "a\n", "ä", "a;b", "$(a)")),
    (None, TAKEN_AS_IT_IS),
]
REPLICAS: Values = [
    (1, TAKEN_AS_IT_IS),
    (5, TAKEN_AS_IT_IS),
    (None, TAKEN_AS_IT_IS),
    *((n, "OUT_OF_RANGE") for n in (0, 6, -1, 2**31 - 1)),
]
REPOSITORY: Values = [
    ("a/b", TAKEN_AS_IT_IS),
    (f"{'a' * 39}/{'b' * 100}", TAKEN_AS_IT_IS),
    (f"{'a' * 40}/b", "INVALID"),
    (f"a/{'b' * 101}", "INVALID"),
    *((v, "INVALID") for v in ("a", "a/", "/b", "a/b/c", "ä/b", "a b/c", "a/b\n", "", "a/b\0")),
    (None, TAKEN_AS_IT_IS),
]
NAMED = text_of(1, 63)
KEY: Values = [
    *((v, TAKEN_AS_IT_IS) for v in ("A", "_", "a_1", "DATABASE_URL", "PGHOST", "x" * 128, "PORTS")),
    ("x" * 129, "TOO_LONG"),
    ("", "REQUIRED"),
    *((v, "INVALID") for v in ("1A", "A-B", "A B", "Ä", "A=", "A\n", "A\0", "\ud800", "А")),
    *((v, "NOT_ALLOWED") for v in ("PORT", "PROJECT_NAME", "TTYD_PASSWORD", "TTYD_")),
]
VALUE: Values = [
    *((v, TAKEN_AS_IT_IS) for v in ("", " ", "a\nb\r\t\x07", "x" * 32768, "é" * 16384, "🚀\u202e")),
    ("x" * 32769, "TOO_LONG"),
    ("é" * 16384 + "x", "TOO_LONG"),
    ("a\0b", "INVALID"),
    ("a\udc00", "INVALID"),
]
CATEGORY: Values = [
    *((v, TAKEN_AS_IT_IS) for v in ("a", "a-1", "9", "x" * 32)),
    ("x" * 33, "TOO_LONG"),
    ("", "REQUIRED"),
    *((v, "INVALID") for v in ("A", "-a", "a b", "ä", "a\n", "a\0")),
]
MODEL: Values = [
    *((v, TAKEN_AS_IT_IS) for v in ("m", "claude-opus-4-1", "gpt-5(high)", "x" * 200, None)),
    ("x" * 201, "TOO_LONG"),
    ("", "REQUIRED"),
    *((v, "INVALID") for v in ("a b", " a", "a\n", "ä", "a\0", "\ud800", "\u202e")),
]
FLAG: Values = [(v, TAKEN_AS_IT_IS) for v in (True, False, None)]
TABLE: Mapping[str, Mapping[str, Values]] = {
    "SignUpInput": {
        "login": [
            ("abc", TAKEN_AS_IT_IS),
            ("x" * 32, TAKEN_AS_IT_IS),
            ("ab", "TOO_SHORT"),
            ("x" * 33, "TOO_LONG"),
            ("", "REQUIRED"),
            *((v, "INVALID") for v in ("Abc", "a b c", "äöü", "abc\n", "abc\0", "a_b", "\ud800ab")),
        ],
        "password": [
            ("x" * 10, TAKEN_AS_IT_IS),
            ("x" * 128, TAKEN_AS_IT_IS),
            ("пароль на 🚀", TAKEN_AS_IT_IS),
            ("x" * 9, "TOO_SHORT"),
            ("", "TOO_SHORT"),
            ("x" * 129, "TOO_LONG"),
            ("correct\0horse battery", "INVALID"),
            ("correct horse \ud800", "INVALID"),
        ],
    },
    "CreateApiTokenInput": {
        "name": [*text_of(1, 100), ("x", "TAKEN")],
        "scopes": [
            (["PROJECTS_READ", "PROJECTS_WRITE", "SECRETS_READ", "ACCOUNT"], TAKEN_AS_IT_IS),
            (["ACCOUNT", "ACCOUNT"], TAKEN_AS_IT_IS),
            ([], "REQUIRED"),
        ],
        "projectIds": [
            (None, TAKEN_AS_IT_IS),
            ([], "REQUIRED"),
            ([ids.encode(NodeType.PROJECT, new_id())] * 21, "TOO_LONG"),
            *(([wrong], "NOT_FOUND") for wrong in ("", "x", "\0", "\ud800")),
            *(([ids.encode(kind, new_id())], "NOT_FOUND") for kind in NodeType),
        ],
        "expiresAt": [
            (None, TAKEN_AS_IT_IS),
            ("9999-12-31T23:59:59Z", TAKEN_AS_IT_IS),
            ("2100-01-01T00:00:00.123456+14:00", TAKEN_AS_IT_IS),
            ("2100-01-01T00:00:00", "INVALID"),
            ("2001-01-01T00:00:00Z", "OUT_OF_RANGE"),
            ("0001-01-01T00:00:00+14:00", "OUT_OF_RANGE"),
            ("9999-12-31T23:59:59-14:00", "OUT_OF_RANGE"),
        ],
    },
    # Whoever has a password cannot be given one: so end the good ones here.
    "SetPasswordInput": {
        "password": [
            ("x" * 9, "TOO_SHORT"),
            ("", "TOO_SHORT"),
            ("x" * 129, "TOO_LONG"),
            ("correct\0horse battery", "INVALID"),
            ("correct horse \ud800", "INVALID"),
            ("ada-ada-ada", "NOT_ALLOWED"),
            ("1234567890", "NOT_ALLOWED"),
            ("x" * 10, "NOT_ALLOWED"),
        ],
    },
    "CreateProjectInput": {
        "name": text_of(1, 100),
        "description": [*text_of(0, 1000, clears=True), (None, TAKEN_AS_IT_IS)],
        "githubRepo": REPOSITORY,
        "sandboxes": [
            ([], TAKEN_AS_IT_IS),
            (None, TAKEN_AS_IT_IS),
            ([{"name": f"s{n}"} for n in range(20)], TAKEN_AS_IT_IS),
            ([{"name": f"s{n}"} for n in range(21)], "TOO_LONG"),
            ([{"name": "a"}, {"name": "a"}], "TAKEN"),
            ([{"name": "a", "cpu": "abc"}], "INVALID"),
        ],
        "databases": [
            ([], TAKEN_AS_IT_IS),
            (None, TAKEN_AS_IT_IS),
            ([{"name": f"d{n}"} for n in range(20)], TAKEN_AS_IT_IS),
            ([{"name": f"d{n}"} for n in range(21)], "TOO_LONG"),
            ([{"name": "é"}, {"name": "e\u0301"}], "TAKEN"),
            ([{"name": "a", "replicas": 6}], "OUT_OF_RANGE"),
        ],
    },
    "UpdateProjectInput": {
        "name": [*text_of(1, 100), (None, "REQUIRED")],
        "description": [*text_of(0, 1000, clears=True), (None, TAKEN_AS_IT_IS)],
        "githubRepo": REPOSITORY,
    },
    "KubeconfigInput": {
        "kubeconfig": [
            (json.dumps(good()), TAKEN_AS_IT_IS),
            (json.dumps(good(), indent=1).ljust(256 * 1024), TAKEN_AS_IT_IS),
            (json.dumps(good()).ljust(256 * 1024 + 1), "TOO_LONG"),
            (json.dumps(good("https://127.0.0.1")), "NOT_ALLOWED"),
            *((v, "INVALID") for v in ("", "a: [", "\0", "\ud800", "a: &b c")),
        ],
    },
    "SandboxInput": {
        "name": [*NAMED, ("app", "TAKEN")],
        "image": IMAGE,
        "cpu": CPU,
        "memory": MEMORY,
        "storage": STORAGE,
    },
    # Of the sandbox of a new project: 10Gi.
    "UpdateSandboxInput": {
        "image": no_null(IMAGE),
        "cpu": no_null(CPU),
        "memory": no_null(MEMORY),
        "storage": [*no_null(size_of("10Gi", "1023Mi", "1Ti", "1025Gi")), ("9Gi", "NOT_ALLOWED")],
    },
    "PortInput": {
        "port": [
            *((n, TAKEN_AS_IT_IS) for n in (1024, 8080, 65535)),
            *((n, "OUT_OF_RANGE") for n in (1023, 65536, 0, 80, -1, 2**31 - 1)),
            *((n, "NOT_ALLOWED") for n in (3000, 7681)),
        ],
    },
    "DatabaseInput": {
        "name": NAMED,
        "version": PG_VERSION,
        "replicas": REPLICAS,
        "cpu": CPU,
        "memory": MEMORY,
        "storage": STORAGE,
    },
    # Of the database of a new project: 3Gi, and no version is known yet.
    "UpdateDatabaseInput": {
        "version": no_null(PG_VERSION),
        "replicas": no_null(REPLICAS),
        "cpu": no_null(CPU),
        "memory": no_null(MEMORY),
        "storage": [*no_null(size_of("3Gi", "1023Mi", "1Ti", "1025Gi")), ("2Gi", "NOT_ALLOWED")],
    },
    "SetVariableInput": {
        "key": KEY,
        "value": VALUE,
        "isSecret": FLAG,
        "category": [*CATEGORY, (None, TAKEN_AS_IT_IS)],
    },
    "SetSettingInput": {
        "key": [
            *((v, TAKEN_AS_IT_IS) for v in ("a", "_", "A.b-c_1", "x" * 128, "KUBECONFIG_2")),
            ("x" * 129, "TOO_LONG"),
            ("", "REQUIRED"),
            *((v, "INVALID") for v in ("1a", "-a", ".a", "a b", "ä", "a\n", "a\0", "\ud800")),
            *((v, "NOT_ALLOWED") for v in ("KUBECONFIG", "kubeconfig", "ANTHROPIC_MODEL")),
        ],
        "value": VALUE,
        "category": [
            *((v, TAKEN_AS_IT_IS) for v in ("GENERAL", "GITHUB", None)),
            *((v, "NOT_ALLOWED") for v in ("KC", "ANTHROPIC_API")),
        ],
        "isSecret": FLAG,
    },
    "SetAnthropicSettingsInput": {
        "baseUrl": [
            *(
                (v, TAKEN_AS_IT_IS)
                for v in (
                    "https://api.anthropic.com",
                    "https://gateway.test:8443/anthropic/v1",
                    "HTTPS://[2001:db8::1]/",
                    "https://h/" + "x" * 2038,
                    None,
                )
            ),
            ("https://h/" + "x" * 2039, "TOO_LONG"),
            ("", "REQUIRED"),
            *(
                (v, "INVALID")
                for v in (
                    "gateway.test",
                    "ftp://h",
                    "https://",
                    "https:///path",
                    "https://u:p@h",
                    "https://u@h",
                    "https://h?key=1",
                    "https://h#f",
                    "https://h/ a",
                    "https://h:0",
                    "https://h:99999",
                    "https://h:x",
                    "https://[::1",
                    "https://ä.test",
                    "https://h\n",
                    "https://h\0",
                    "file:///etc/passwd",
                )
            ),
            ("http://gateway.test", "NOT_ALLOWED"),
        ],
        "apiKey": [
            *((v, TAKEN_AS_IT_IS) for v in ("k", "sk-ant-api03-x_y", "x" * 4096, None)),
            ("x" * 4097, "TOO_LONG"),
            ("", "REQUIRED"),
            *((v, "INVALID") for v in ("a b", "a\n", "a\r\nX: y", "ä", "a\0", "\ud800")),
        ],
        "model": MODEL,
        "smallModel": MODEL,
        "apply": [(v, TAKEN_AS_IT_IS) for v in ("AT_ONCE", "NEXT_START", None)],
    },
    "VariableInput": {"key": KEY, "value": VALUE, "isSecret": FLAG},
    "ImportVariablesInput": {
        "dotenv": [
            *(
                (v, TAKEN_AS_IT_IS)
                for v in ("", "# none", "A=", "export A='1'\nB=\"ü\n2\"", "A=1\nA=2")
            ),
            *((v, "INVALID") for v in ("A", "A='1", "=1", "1A=1", "A=1\nB", "A=\0", "A=\ud800")),
            ("PORT=1", "NOT_ALLOWED"),
            ("x" * 129 + "=1", "TOO_LONG"),
            ("A=" + "x" * 32768, TAKEN_AS_IT_IS),
            ("A=" + "x" * 32769, "TOO_LONG"),
            ("\n".join(f"K{n}=" for n in range(200)), TAKEN_AS_IT_IS),
            ("\n".join(f"K{n}=" for n in range(201)), "NOT_ALLOWED"),
            ("\n".join(f"K{n:02}={'x' * 32765}" for n in range(16)), TAKEN_AS_IT_IS),
            ("\n".join(f"K{n:03}={'x' * 32765}" for n in range(16)), "NOT_ALLOWED"),
        ],
        "category": [*CATEGORY, (None, TAKEN_AS_IT_IS)],
        "isSecret": FLAG,
    },
    "ReplaceVariablesInput": {
        "category": CATEGORY,
        "variables": [
            ([], TAKEN_AS_IT_IS),
            ([{"key": f"K{n}", "value": ""} for n in range(200)], TAKEN_AS_IT_IS),
            ([{"key": f"K{n}", "value": ""} for n in range(201)], "TOO_LONG"),
            ([{"key": "A", "value": "1"}, {"key": "A", "value": "1"}], "TAKEN"),
            ([{"key": f"K{n:02}", "value": "x" * 32765} for n in range(16)], TAKEN_AS_IT_IS),
            ([{"key": f"K{n:03}", "value": "x" * 32765} for n in range(16)], "NOT_ALLOWED"),
        ],
    },
}
FIELDS = [(kind, field) for kind, fields in TABLE.items() for field in fields]


def test_every_field_of_every_input_is_in_the_table() -> None:
    inputs = {
        name: set(kind.fields)
        for name, kind in walked().type_map.items()
        if isinstance(kind, GraphQLInputObjectType)
    }
    # These cannot break a rule: who signs in is known or not, a filter finds or not.
    # What is proved wrongly is BAD_CREDENTIALS; the rest is in test_identities and test_sealos.
    signs = ("SignInInput", "RefreshSessionInput", "ChangePasswordInput", "SealosInput")
    for free in (*signs, "ProjectFilter", "ProjectOrder", "AuditFilter"):
        inputs.pop(free, None)

    assert {kind: set(fields) for kind, fields in TABLE.items()} == inputs


@pytest.mark.parametrize(("kind", "field"), FIELDS)
async def test_each_value_has_its_code_or_is_taken(
    ask: Ask, database: Database, kind: str, field: str
) -> None:
    viewer = await viewer_of(database)
    for number, (value, expected) in enumerate(TABLE[kind][field]):
        to = await target(database, viewer, MUTATIONS[kind])
        document, variables = _request(kind, field, value, to, number)
        before = await contents(database)

        answer = await ask(viewer, document, **variables)

        assert answer["codes"] == [], (value, answer["errors"])
        problems = answer["data"][MUTATIONS[kind]]["errors"]
        assert [p["code"] for p in problems] == ([expected] if expected else []), (value, problems)
        at = [INSIDE[kind][1], "0", field] if kind in INSIDE else [field]
        assert all(p["field"][: len(at)] in (at, []) for p in problems)
        if expected:
            assert await contents(database) == before


async def test_the_same_is_an_error_where_errors_are_not_selected(
    ask: Ask, database: Database
) -> None:
    viewer = await viewer_of(database)
    for kind, mutation in MUTATIONS.items():
        to = await target(database, viewer, mutation)
        [field, *_] = TABLE[kind]
        bad = next(value for value, expected in TABLE[kind][field] if expected)
        document, variables = _request(kind, field, bad, to, 0)

        answer = await ask(viewer, document.replace("errors { code field }", ""), **variables)

        assert answer["codes"] == ["INVALID_INPUT"]
        assert answer["errors"][0]["extensions"]["errors"][0]["field"][-1] == field
        assert answer["data"] == {mutation: None}


async def target(database: Database, viewer: Viewer, mutation: str) -> str:
    """What a mutation is about: a new project, or the resource in it of the kind in its name."""
    async with database.begin(viewer) as session:
        project = (await projects.create(session, viewer, MAKERS, NewProject("shop"))).id
        if mutation == "updateDatabase":
            [row] = await DATABASES.of_projects(session, viewer, [project])
            return ids.encode(NodeType.DATABASE, row.id)
        if mutation in ("updateSandbox", "exposePort"):
            [box] = await SANDBOXES.of_projects(session, viewer, [project])
            return ids.encode(NodeType.SANDBOX, box.id)
    return ids.encode(NodeType.PROJECT, project)


def _request(
    kind: str, field: str, value: object, target: str, number: int
) -> tuple[str, dict[str, object]]:
    given = dict(EXAMPLES[kind]) | {field: value}
    if kind == "SignUpInput" and field != "login":
        given["login"] = f"user-{number}"
    if kind == "CreateApiTokenInput" and field != "name":
        given["name"] = f"token {number}"
    argument = dict.fromkeys(("updateProject", "updateDatabase", "updateSandbox"), "id")
    argument["exposePort"] = "sandboxId"
    argument |= dict.fromkeys(
        ("createSandbox", "createDatabase", "setVariable", "replaceVariables", "importVariables"),
        "projectId",
    )
    mutation = MUTATIONS[kind]
    if kind in INSIDE:
        kind, place = INSIDE[kind]
        given = dict(EXAMPLES[kind]) | {place: [given]}
    heads = (f"$input: {kind}!", "input: $input")
    variables: dict[str, object] = {"input": given}
    if mutation in argument:
        heads = (f"{heads[0]}, $to: ID!", f"{heads[1]}, {argument[mutation]}: $to")
        variables["to"] = target
    call = f"{mutation}({heads[1]}) {{ errors {{ code field }} __typename }}"
    return f"mutation ({heads[0]}) {{ {call} }}", variables
