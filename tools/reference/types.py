"""The page of types: objects, interfaces, enums, inputs, payloads, scalars."""

from collections.abc import Iterable, Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
)

from tools.reference.markdown import anchor, code, table
from tools.reference.schema import default, own_types, prose, reference

_INTRODUCTION = """\
# Types

What [operations](operations.md) take and give, from `schema.graphql`. `!` means never null, and for
a field of an input that it must be given. `String`, `Int`, `Boolean` and `ID` are GraphQL's own.
"""


def page(schema: GraphQLSchema) -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_sections(schema)])


def _sections(schema: GraphQLSchema) -> Iterator[str]:
    for heading, kinds in _grouped(own_types(schema)).items():
        links = (f"[{kind.name}](#{anchor(kind.name)})" for kind in kinds)
        yield f"## {heading}\n\n{' · '.join(links)}\n"
        for kind in kinds:
            yield f"### {kind.name}\n\n{prose(kind)}\n\n{_body(schema, kind)}"


def _grouped(kinds: Iterable[GraphQLNamedType]) -> dict[str, list[GraphQLNamedType]]:
    groups: dict[str, list[GraphQLNamedType]] = {
        heading: []
        for heading in ("Objects", "Interfaces", "Enums", "Inputs", "Payloads", "Scalars")
    }
    for kind in kinds:
        groups[_group(kind)].append(kind)
    return {heading: found for heading, found in groups.items() if found}


def _group(kind: GraphQLNamedType) -> str:
    match kind:
        case GraphQLObjectType():
            return "Payloads" if kind.name.endswith("Payload") else "Objects"
        case GraphQLInterfaceType():
            return "Interfaces"
        case GraphQLEnumType():
            return "Enums"
        case GraphQLInputObjectType():
            return "Inputs"
        case GraphQLScalarType():
            return "Scalars"
        case _:
            raise TypeError(f"{kind.name} is of a kind that has no section yet")


def _body(schema: GraphQLSchema, kind: GraphQLNamedType) -> str:
    match kind:
        case GraphQLObjectType() | GraphQLInterfaceType():
            fields = ((_call(n, f), reference(f.type), prose(f)) for n, f in kind.fields.items())
            return _relatives(schema, kind) + table(("field", "type", "description"), fields)
        case GraphQLInputObjectType():
            inputs = (
                (code(n), reference(f.type), default(f), prose(f)) for n, f in kind.fields.items()
            )
            return table(("field", "type", "default", "description"), inputs)
        case GraphQLEnumType():
            values = ((code(name), prose(value)) for name, value in kind.values.items())
            return table(("value", "meaning"), values)
        case GraphQLScalarType(specified_by_url=str(url)):
            return f"Specified by <{url}>.\n"
        case _:
            return ""


def _relatives(schema: GraphQLSchema, kind: GraphQLObjectType | GraphQLInterfaceType) -> str:
    lines = []
    if kind.interfaces:
        lines.append("Implements " + ", ".join(map(reference, kind.interfaces)) + ".\n\n")
    if isinstance(kind, GraphQLInterfaceType):
        objects = sorted(schema.get_possible_types(kind), key=lambda one: one.name)
        lines.append("Implemented by " + ", ".join(map(reference, objects)) + ".\n\n")
    return "".join(lines)


def _call(name: str, field: GraphQLField) -> str:
    given = ", ".join(f"{argument}: {it.type}" for argument, it in field.args.items())
    return code(f"{name}({given})" if given else name)
