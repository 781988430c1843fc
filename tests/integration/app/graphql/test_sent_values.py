"""What is wrong with a value is said without the value: it may be a secret beside what is wrong."""

import pytest

from tests.integration.app.graphql.conftest import Ask

ENTER = "mutation ($i: SignInInput!) { signIn(input: $i) { credentials { expiresAt } } }"
FILTER = "query ($f: AuditFilter) { auditLog(filter: $f) { nodes { id } } }"
SENT = "s3cr3t; found: 'x', found String"
INPUTS = (
    {"password": SENT},
    {"login": "ada", "password": [SENT]},
    {"login": None, "password": SENT},
    {"login": "ada", "password": SENT, "other": SENT},
    [SENT],
    SENT,
)
LITERALS = (
    '{login: "ada", password: "s3cr3t" "s3cr3t"}',
    '{login: "ada", password: ["s3cr3t"]}',
    '{login: "ada", password: """s3cr3t""" """s3cr3t"""}',
    '{login: "ada", password: "s3cr3t", other: "s3cr3t"}',
    '{password: "s3cr3t"}',
    '"s3cr3t"',
    '{login: "ada", "s3cr3t"}',
    '{login: "ada", password: "s3cr3t}',
)
OTHERS = (
    '{ projects(first: "s3cr3t") { nodes { id } } }',
    '{ projects(orderBy: {field: "s3cr3t", direction: ASC}) { nodes { id } } }',
    "{ projects(orderBy: {field: s3cr3t, direction: ASC}) { nodes { id } } }",
    '{ auditLog(filter: {from: "s3cr3t"}) { nodes { id } } }',
    '{ me @include(if: "s3cr3t") { id } }',
    'query ($n: Int = "s3cr3t") { projects(first: $n) { nodes { id } } }',
)


@pytest.mark.parametrize("given", INPUTS, ids=str)
async def test_a_variable_of_the_wrong_shape(ask: Ask, given: object) -> None:
    answer = await ask(None, ENTER, i=given)

    assert answer["codes"] == ["BAD_REQUEST"]
    assert "s3cr3t" not in str(answer)
    assert "SignInInput" in str(answer) or "password" in str(answer) or "login" in str(answer)


async def test_a_variable_that_a_scalar_cannot_read(ask: Ask) -> None:
    answer = await ask(None, FILTER, f={"from": SENT})

    assert answer["codes"] == ["BAD_REQUEST"]
    assert answer["errors"][0]["message"] == (
        "Variable '$f' has invalid value at .from: Expected value of type 'DateTime'."
    )


@pytest.mark.parametrize(
    "document",
    [f"mutation {{ signIn(input: {it}) {{ credentials {{ expiresAt }} }} }}" for it in LITERALS]
    + list(OTHERS),
)
async def test_a_value_in_the_document(ask: Ask, document: str) -> None:
    answer = await ask(None, document)

    assert set(answer["codes"]) == {"BAD_REQUEST"}
    assert "s3cr3t" not in str(answer)
