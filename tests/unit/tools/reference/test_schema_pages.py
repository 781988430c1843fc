"""The pages of the schema: what stands in the schema stands in them, with links that lead there."""

from graphql import build_schema

from tools.reference import operations, types

_SCHEMA = build_schema('''
"""What can be read."""
type Query {
  """Boats, by mast."""
  boats(
    """How many."""
    first: Int = 20
    kind: Kind
    where: Where
  ): [Boat!]!
  """All at once."""
  fleet: [Boat!]! @deprecated(reason: "Use boats.")
}
"""What floats."""
type Boat implements Named {
  """Painted at the bow | stern."""
  name: String!
  """Of the same kind."""
  others(first: Int): [Boat!]!
}
"""What has a name."""
interface Named {
  """The name."""
  name: String!
}
"""Which kind."""
enum Kind {
  """One mast."""
  SLOOP
  """Two."""
  YAWL @deprecated(reason: "Sunk.")
}
"""Which ones."""
input Where {
  """At least so many."""
  masts: Int! = 1
}
''')


def test_an_operation_has_its_arguments_with_defaults_and_links() -> None:
    page = operations.page(_SCHEMA)

    assert "### boats\n\nBoats, by mast.\n" in page
    assert "| `first` | `Int` | `20` | How many. |" in page
    assert "| `kind` | <code>[Kind](types.md#kind)</code> |  |  |" in page
    assert "Gives <code>[[Boat](types.md#boat)!]!</code>." in page


def test_what_is_deprecated_says_so_first() -> None:
    assert "**Deprecated**: Use boats. All at once." in operations.page(_SCHEMA)
    assert "| `YAWL` | **Deprecated**: Sunk. Two. |" in types.page(_SCHEMA)


def test_a_type_has_its_fields_and_relatives() -> None:
    page = types.page(_SCHEMA)

    assert "Implements <code>[Named](#named)</code>." in page
    assert "Implemented by <code>[Boat](#boat)</code>." in page
    assert r"| `name` | `String!` | Painted at the bow \| stern. |" in page
    assert "| `others(first: Int)` | <code>[[Boat](#boat)!]!</code> | Of the same kind. |" in page
    assert "| `masts` | `Int!` | `1` | At least so many. |" in page


def test_every_type_has_a_section_but_those_of_the_operations() -> None:
    headings = [line for line in types.page(_SCHEMA).splitlines() if line.startswith("### ")]

    assert headings == ["### Boat", "### Named", "### Kind", "### Where"]
