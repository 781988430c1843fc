"""The page of statuses: what each means, and the rules that Python and Postgres decide by."""

from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLSchema

from app.domain.aggregate import ALL, ANY, ProjectStatus
from app.domain.states import RULES, WANTED
from tools.reference.markdown import code, listed, table
from tools.reference.schema import prose

_INTRODUCTION = """\
# Statuses

A status is never set: it follows from what you want and what was seen, by the rules below. How to
read it beside `generation`, `converged` and `why` is in [statuses](../guide/statuses.md);
what `why` can say in [reasons](reasons.md).
"""
_RESOURCE = """\
The first line that holds. *Seen* is what the reconciler found when it last looked: new (it has not
looked yet), absent (no objects), starting, running, stopping, stopped, terminating, gone (nothing
is left), unknown.
"""
_PROJECT = """\
From the statuses of its resources, the first line that holds:
"""


def page(schema: GraphQLSchema) -> str:
    """The whole page."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## Of a sandbox or database\n",
            _meanings(schema, "ResourceStatus"),
            _RESOURCE,
            table(("when", "status"), _resource_rules()),
            "What each wish ends in; there it is `converged`:\n",
            table(("wanted", "ends in"), ((code(a), code(b)) for a, b in WANTED.items())),
            "## Of a project\n",
            _meanings(schema, "ProjectStatus"),
            _PROJECT,
            table(("when", "status"), _project_rules()),
        ]
    )


def _meanings(schema: GraphQLSchema, name: str) -> str:
    kind = schema.type_map[name]
    assert isinstance(kind, GraphQLEnumType)
    return table(("status", "meaning"), ((code(n), prose(v)) for n, v in kind.values.items()))


def _resource_rules() -> Iterator[tuple[str, str]]:
    for facts, result in RULES:
        words = ", and ".join(fact.words for fact in facts) or "otherwise"
        yield words, code(result)


def _project_rules() -> Iterator[tuple[str, str]]:
    """`ANY`, then `ALL`; its sets of one are one line: all the same."""
    deleted, kept = ProjectStatus.TERMINATED, ProjectStatus.STOPPED
    yield "it has none and DELETED is wanted", code(deleted)
    yield "it has none", code(kept)
    for member, result in ANY:
        yield f"one at least is {member}", code(result)
    yield "all are the same", "that one"
    for allowed, result in ALL:
        if len(allowed) > 1:
            yield f"each is {listed(sorted(allowed))}", code(result)
    yield "otherwise", code(ProjectStatus.PARTIAL)
