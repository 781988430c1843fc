"""The public schema as the pages see it: types by kind, and how a type is written with its link."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)

from tools.reference.markdown import anchor, code

Described: TypeAlias = GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLEnumValue


def load(file: Path) -> GraphQLSchema:
    """The schema in `file`."""
    return build_schema(file.read_text())


def roots(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    """Query, Mutation and Subscription, under the headings of their sections."""
    found = {
        "Queries": schema.query_type,
        "Mutations": schema.mutation_type,
        "Subscriptions": schema.subscription_type,
    }
    return {heading: kind for heading, kind in found.items() if kind is not None}


def own_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    """All types with a section of their own, by name."""
    apart = {kind.name for kind in roots(schema).values()}
    return sorted(
        (kind for kind in schema.type_map.values() if kind.name not in apart and not _known(kind)),
        key=lambda kind: kind.name,
    )


def reference(kind: GraphQLType, page: str = "") -> str:
    """The type as it is written, `[Project!]!`, with a link to its section in `page`."""
    named = get_named_type(kind)
    if _known(named):
        return code(str(kind))
    link = f"[{named.name}]({page}#{anchor(named.name)})"
    # Backticks would show the link's source.
    return f"<code>{str(kind).replace(named.name, link)}</code>"


def default(of: GraphQLArgument | GraphQLInputField) -> str:
    """The default as it is written, or nothing."""
    written = of.ast_node.default_value if of.ast_node else None
    return code(print_ast(written)) if written else ""


def prose(of: Described | GraphQLNamedType) -> str:
    """The description, after what is said of a deprecated element."""
    reason = getattr(of, "deprecation_reason", None)
    gone = [f"**Deprecated**: {reason}"] if reason else []
    return " ".join([*gone, of.description or ""]).strip()


def arguments(given: Mapping[str, GraphQLArgument], page: str = "") -> Iterable[tuple[str, ...]]:
    """Rows: name, type, default, description."""
    for name, argument in given.items():
        yield code(name), reference(argument.type, page), default(argument), prose(argument)


def _known(kind: GraphQLNamedType) -> bool:
    return is_specified_scalar_type(kind) or is_introspection_type(kind)
