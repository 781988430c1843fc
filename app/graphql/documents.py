"""Documents: read once, measured, validated, and kept for the next request with the same text.

In this order, so that each step is bounded by the one before: characters, tokens, the measure of
`complexity`, the rules of the specification. One cache in place of Strawberry's three extensions
(tokens, parser, validation), because a parsed document takes some 150 times its text in memory:
what is kept is bounded by characters, not by how many.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    get_operation_ast,
    parse,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from app.domain.errors import TooComplex
from app.graphql import complexity

CHARACTERS: Final = 50_000
TOKENS: Final = 5_000
# All together; some 40 MB when full.
_KEPT: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A document that parses, and what is wrong with it."""

    node: DocumentNode
    errors: tuple[GraphQLError, ...]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation that is meant; GraphQLError when none is, or none in particular."""
        found = get_operation_ast(self.node, name)
        if found is None:
            raise GraphQLError(
                "operationName has to name an operation of the document,"
                " and may be left out only when there is one."
            )
        return found

    def kind(self, name: str | None) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation(name).operation

    def mutations(self, name: str | None) -> int:
        """How many fields of the root a mutation has; 0 for what is none, or is not valid."""
        operation = self.operation(name)
        if self.errors or operation.operation is not OperationType.MUTATION:
            return 0
        return self._fields(operation.selection_set)

    def _fields(self, node: SelectionSetNode) -> int:
        # What is valid has no circles, and complexity lets few through.
        return sum(self._number(it) for it in node.selections)

    def _number(self, node: SelectionNode) -> int:
        if isinstance(node, InlineFragmentNode):
            return self._fields(node.selection_set)
        if isinstance(node, FragmentSpreadNode):
            return sum(
                self._fields(it.selection_set)
                for it in self.node.definitions
                if isinstance(it, FragmentDefinitionNode) and it.name.value == node.name.value
            )
        return 1


class Documents:
    """The documents of one schema, the least recently read forgotten first."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def read(self, text: str) -> Document:
        """The document in `text`; GraphQLError when it does not parse, TooComplex when too long."""
        known = self._kept.get(text)
        if known is not None:
            self._kept.move_to_end(text)
            return known
        made = self._made(text)
        self._keep(text, made)
        return made

    def _keep(self, text: str, made: Document) -> None:
        self._kept[text] = made
        self._characters += len(text)
        while self._characters > _KEPT:
            oldest, _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)

    def _made(self, text: str) -> Document:
        if len(text) > CHARACTERS:
            raise TooComplex("characters", CHARACTERS)
        try:
            node = parse(text, max_tokens=TOKENS)
        except GraphQLSyntaxError as error:
            # graphql-core says these two by their words alone.
            if "tokens. Parsing aborted" in error.message:
                raise TooComplex("tokens", TOKENS) from None
            if "nested too deeply" in error.message:
                raise TooComplex("depth", complexity.DEPTH) from None
            raise
        return Document(node, self._errors(node))

    def _errors(self, node: DocumentNode) -> tuple[GraphQLError, ...]:
        try:
            complexity.check(self._schema, node)
        except TooComplex as error:
            return (GraphQLError(str(error), extensions=error.extensions),)
        return tuple(validate_document(self._schema, node, tuple(specified_rules)))


class Reading(SchemaExtension):
    """Hands Strawberry the document that the seam has read, in place of its own two steps."""

    def on_parse(self) -> Iterator[None]:
        """The tree."""
        self.execution_context.graphql_document = self._document.node
        yield

    def on_validate(self) -> Iterator[None]:
        """What is wrong with it."""
        self.execution_context.pre_execution_errors = list(self._document.errors)
        yield

    @property
    def _document(self) -> Document:
        schema: Any = self.execution_context.schema
        document: Document = schema.documents.read(self.execution_context.query)
        return document
