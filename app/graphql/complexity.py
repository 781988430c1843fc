"""How much an operation asks for, told from its document alone, before anything else looks at it.

The stock rules walk a fragment anew wherever it is spread (a denial of service in 700 bytes) and
some of them compare repeated fields pair by pair (two seconds for 10 KB), so the measure is taken
first and once: a fragment is measured one time and remembered. It needs no values of variables, so
it is kept with the document; a page size in a variable counts as the largest there is.
"""

from collections import Counter
from typing import Final, NamedTuple, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from app.domain import limits
from app.domain.errors import TooComplex

# Fields one below the other. The introspection of GraphiQL and code generators has 15.
DEPTH: Final = 16
# Fields of the answer, roughly; a page of 100 whole projects with their resources is some 20,000.
COST: Final = 30_000
# Squares of how often each name of an answer occurs, and of how often fragments are spread:
# validation compares them pair by pair, at some 10 µs a pair.
REPEATS: Final = 20_000
_SPREAD: Final = "..."
# Selections and spreads inside each other, for the recursion here.
_NESTING: Final = 100

# A list that is no page: most projects have one sandbox and one database.
_LIST: Final = 3
# One that may well be as long as it may be.
_LISTS: Final = {"apiTokens": limits.TOKENS_PER_USER}

# What a field of the root costs beside its answer: statements and locks, in fields.
_ROOTS: Final = {"Query": 200, "Mutation": 600, "Subscription": 200}
# Password hashing and the walk over the whole schema are slower by far.
_DEAR: Final = {"signUp": 6000, "signIn": 6000, "__schema": 6000, "__type": 600}


class Size(NamedTuple):
    """What one selection set asks for: fields of the answer, and levels of them."""

    cost: int
    depth: int


def check(schema: GraphQLSchema, document: DocumentNode) -> None:
    """TooComplex for the first limit that an operation of the document breaks."""
    measure = _Measure(schema, document)
    sizes = [measure.definition(it) for it in document.definitions]
    found = {
        "depth": max((size.depth for size in sizes), default=0),
        "cost": max((size.cost for size in sizes), default=0),
        "repeats": sum(count * count for count in measure.names.values()),
    }
    for name, most in (("depth", DEPTH), ("cost", COST), ("repeats", REPEATS)):
        if found[name] > most:
            raise TooComplex(name, most)


class _Measure:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.names: Counter[str] = Counter()
        self._schema = schema
        self._fragments = {
            it.name.value: it
            for it in document.definitions
            if isinstance(it, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}

    def definition(self, node: object) -> Size:
        if isinstance(node, FragmentDefinitionNode):
            return self._fragment(node.name.value, 0)
        if isinstance(node, OperationDefinitionNode):
            root = self._schema.get_root_type(node.operation)
            return self._set(node.selection_set, root, 0)
        return Size(0, 0)

    def _set(self, node: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> Size:
        if level > _NESTING:
            raise TooComplex("depth", DEPTH)
        cost = depth = 0
        for selection in node.selections:
            if isinstance(selection, FieldNode):
                size = self._field(selection, parent, level)
            elif isinstance(selection, FragmentSpreadNode):
                self.names[_SPREAD] += 1
                size = self._fragment(selection.name.value, level + 1)
            else:
                size = self._inline(cast("InlineFragmentNode", selection), parent, level)
            cost, depth = cost + size.cost, max(depth, size.depth)
        # Fragments double the cost with each level: the number must not grow with it.
        return Size(min(cost, COST + 1), depth)

    def _fragment(self, name: str, level: int) -> Size:
        if name not in self._known:
            # A circle, and a name that there is not, cost nothing: validation refuses them.
            self._known[name] = Size(0, 0)
            found = self._fragments.get(name)
            if found is not None:
                on = self._schema.get_type(found.type_condition.name.value)
                self._known[name] = self._set(found.selection_set, on, level)
        return self._known[name]

    def _inline(
        self, node: InlineFragmentNode, parent: GraphQLNamedType | None, level: int
    ) -> Size:
        condition = node.type_condition
        on = self._schema.get_type(condition.name.value) if condition else parent
        return self._set(node.selection_set, on, level + 1)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> Size:
        self.names[(node.alias or node.name).value] += 1
        name = node.name.value
        own = _DEAR.get(name) or _ROOTS.get(parent.name if parent else "", 1)
        field = _defined(self._schema, parent, name)
        if node.selection_set is None:
            return Size(own, 1)
        below = get_named_type(field.type) if field else None
        size = self._set(node.selection_set, below, level + 1)
        return Size(own + _times(node, field, parent) * size.cost, 1 + size.depth)


def _defined(
    schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str
) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return schema.get_field(parent, name)
    return None


def _times(node: FieldNode, field: GraphQLField | None, parent: GraphQLNamedType | None) -> int:
    """How often the selection of a field is answered: once for each item of its list or page."""
    if field is None:
        return 1
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    if "first" in field.args:
        return max([_number(given[it]) for it in ("first", "last") if it in given] or [_DEFAULT])
    if "ids" in field.args:
        ids = given.get("ids")
        return len(ids.values) if isinstance(ids, ListValueNode) else limits.NODES_MOST
    # The page was counted at the connection; introspection has a limit of its own.
    if parent is not None and (parent.name.endswith("Connection") or parent.name[:2] == "__"):
        return 1
    if not is_list_type(get_nullable_type(field.type)):
        return 1
    return _LISTS.get(node.name.value, _LIST)


_DEFAULT: Final = limits.PAGE_DEFAULT


def _number(value: ValueNode) -> int:
    """A page size; what is out of bounds or no number is refused elsewhere."""
    if isinstance(value, IntValueNode) and len(value.value) <= 3:
        return max(int(value.value), 0)
    return limits.PAGE_MOST
