"""Whether a field of the answer was asked for, through fragments and inline fragments."""

from collections.abc import Iterator
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode


def selects(info: Any, name: str) -> bool:
    """Whether the field under resolution selects `name` at its own level."""
    raw = info._raw_info
    return any(
        name == found
        for node in raw.field_nodes
        for found in _names(node.selection_set, raw.fragments)
    )


def _names(selections: SelectionSetNode | None, fragments: dict[str, Any]) -> Iterator[str]:
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _names(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            # graphql-core 3.3 wraps fragments with their variables.
            yield from _names(getattr(fragment, "definition", fragment).selection_set, fragments)
