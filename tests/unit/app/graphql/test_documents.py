"""Documents: what they may ask for, and that each is read once."""

import pytest
from graphql import GraphQLError, get_introspection_query

from app.domain.errors import TooComplex
from app.graphql.documents import Documents
from app.graphql.schema import schema

WHOLE = """query ($n: Int, $after: String) { projects(first: $n, after: $after) {
  totalCount pageInfo { hasNextPage endCursor }
  nodes { id name description githubRepo status desiredState generation observedGeneration
    converged createdAt updatedAt why { ...W }
    sandboxes { ...R publicUrl ttydUrl image }
    databases { ...R endpoint { host port database username } version replicas } } } }
fragment W on Explanation { resourceId resourceName reason message object since attempts
  nextAttemptAt }
fragment R on Resource { id name status desiredState generation observedGeneration converged
  k8sNamespace k8sName cpu memory storage createdAt updatedAt why { ...W } }"""


def documents() -> Documents:
    return Documents(schema._schema)


def chain(length: int, link: str) -> str:
    """Fragments that each spread the next one twice, up to `length`."""
    parts = [
        f"fragment f{n} on Project {{ {link.replace('NEXT', f'f{n + 1}')} }}" for n in range(length)
    ]
    parts += ["{ projects { nodes { ...f0 } } }", f"fragment f{length} on Project {{ id }}"]
    return " ".join(parts)


def flood(count: int, field: str) -> str:
    return "{" + " ".join(f"a{n}: {field}" for n in range(count)) + "}"


TOO_MUCH = {
    "too long": ("{ me { id } }".ljust(50_001), "characters", 50_000),
    "tokens": ("{" + "me " * 5_000 + "}", "tokens", 5_000),
    "comments": ("#\n" * 5_001 + "{ me { id } }", "tokens", 5_000),
    "parser's depth": ("{a" * 1_000 + "}" * 1_000, "depth", 16),
    "lists": ("{ node(id: " + "[" * 1_000 + "]" * 1_000 + ") { id } }", "depth", 16),
    "depth": (
        "{ projects { nodes " + "{ sandboxes { project " * 8 + "{ id }" + " } }" * 8 + " } }",
        "depth",
        16,
    ),
    "depth by fragments": (chain(9, "sandboxes { project { ...NEXT } }"), "depth", 16),
    "spreads in spreads": (chain(400, "...NEXT"), "depth", 16),
    "fragments doubled": (chain(60, "...NEXT ...NEXT"), "cost", 30_000),
    "fragments nested": (
        chain(6, "sandboxes { project { ...NEXT } } " * 2),
        "cost",
        30_000,
    ),
    "aliases": (flood(700, "projects { totalCount }"), "cost", 30_000),
    "pages in pages": (
        "{ projects(first: 100) { nodes "
        + "{ sandboxes { project " * 5
        + "{ id name }"
        + " } }" * 5
        + " } }",
        "cost",
        30_000,
    ),
    "a page of any size": (
        "query ($n: Int) { projects(last: $n) { nodes {"
        + " ".join(f"a{n}: name" for n in range(301))
        + "} } }",
        "cost",
        30_000,
    ),
    "passwords": (
        "mutation {"
        + " ".join(
            f'a{n}: signIn(input: {{login: "a", password: "b"}}) {{ credentials {{ expiresAt }} }}'
            for n in range(5)
        )
        + "}",
        "cost",
        30_000,
    ),
    "introspections": (flood(5, "__schema { queryType { name } }"), "cost", 30_000),
    "unknown fields": (flood(200, "nothing"), "cost", 30_000),
    "the same field": ("{ me {" + " id" * 142 + "} }", "repeats", 20_000),
    "many fragments": (
        "{ me {"
        + " ".join(f"...f{n}" for n in range(142))
        + "} }"
        + " ".join(f"fragment f{n} on User {{ a{n}: id }}" for n in range(142)),
        "repeats",
        20_000,
    ),
    "the same field in fragments": (
        "{ me {"
        + " ".join(f"...f{n}" for n in range(142))
        + "} }"
        + " ".join(f"fragment f{n} on User {{ id }}" for n in range(142)),
        "repeats",
        20_000,
    ),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_asks_for_too_much_is_refused_with_the_limit(name: str) -> None:
    text, measure, limit = TOO_MUCH[name]

    try:
        [error] = documents().read(text).errors
        extensions = error.extensions
    except TooComplex as refused:
        extensions = refused.extensions

    assert extensions == {"code": "TOO_COMPLEX", "measure": measure, "limit": limit}


@pytest.mark.parametrize(
    "text",
    [
        get_introspection_query(),
        get_introspection_query(
            descriptions=True,
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        ),
        WHOLE,
        WHOLE.replace("first: $n", "last: $n").replace("after: $after", "before: $after"),
        flood(100, 'node(id: "x") { id }'),
        "mutation {"
        + " ".join(f'a{n}: stopProject(id: "x") {{ project {{ id }} }}' for n in range(40))
        + "}",
        "{ me {" + " id" * 100 + "} }",
        "{ me { id } }".ljust(50_000),
        "{ projects { nodes " + "{ sandboxes { project " * 5 + "{ id }" + " } }" * 5 + " } }",
    ],
)
def test_what_clients_really_ask_for_is_not_too_much(text: str) -> None:
    assert documents().read(text).errors == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fragment a on User {...b} fragment b on User {...a} {me {...a}}", "within itself"),
        ("{ me { ...nothing } }", "Unknown fragment"),
        ("{ me { nothing } }", "Cannot query field"),
        ("{ projects { nodes { ... on Nothing { id } } } }", "Unknown type"),
        ("{ __schema { types { fields { type { fields { type { fields { name }}}}}}}}", "depth"),
        ("type A { a: Int }", "not executable"),
    ],
)
def test_what_is_wrong_is_said_by_the_rules_of_the_specification(text: str, words: str) -> None:
    assert words in documents().read(text).errors[0].message


def test_a_text_is_read_once_until_others_took_its_place() -> None:
    kept = documents()
    first = kept.read("{ me { id } }")

    again = kept.read("{ me { id } }")
    for number in range(10):
        kept.read(f"{{ a{number}: __typename }}".ljust(40_000))
    later = kept.read("{ me { id } }")

    assert again is first
    assert later is not first


def test_the_operation_is_the_one_that_is_named_or_the_only_one() -> None:
    document = documents().read("query A { me { id } } subscription B { projectsChanged { kind } }")

    assert document.kind("B").value == "subscription"
    for name in (None, "", "C"):
        with pytest.raises(GraphQLError, match="operationName"):
            document.operation(name)
