"""The page of queries, mutations and subscriptions."""

from collections.abc import Iterator

from graphql import GraphQLField, GraphQLSchema

from tools.reference.markdown import anchor, table
from tools.reference.schema import arguments, prose, reference, roots

_TYPES = "types.md"
_INTRODUCTION = """\
# Operations

Everything that can be asked of Mooring, from `schema.graphql`. What they take and give is in
[types](types.md), what can go wrong in [errors](errors.md).

- Queries and mutations: `POST /graphql`. Subscriptions: websocket (graphql-transport-ws) or SSE at
  the same address; see [following changes](../guide/subscriptions.md).
- `!` means never null, and for an argument that it must be given.
- `first` with `after` pages forwards, `last` with `before` backwards: 20 at a time unless you say
  otherwise, at most 100. Cursors and ids are opaque.
- A mutation's answer is nullable, so that one of several may fail without the others' answers.
"""


def page(schema: GraphQLSchema) -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_sections(schema)])


def _sections(schema: GraphQLSchema) -> Iterator[str]:
    for heading, kind in roots(schema).items():
        links = (f"[{name}](#{anchor(name)})" for name in kind.fields)
        yield f"## {heading}\n\n{prose(kind)}\n\n{' · '.join(links)}\n"
        for name, field in kind.fields.items():
            yield _operation(name, field)


def _operation(name: str, field: GraphQLField) -> str:
    parts = [f"### {name}\n", f"{prose(field)}\n"]
    if field.args:
        rows = arguments(field.args, _TYPES)
        parts.append(table(("argument", "type", "default", "description"), rows))
    parts.append(f"Gives {reference(field.type, _TYPES)}.\n")
    return "\n".join(parts)
