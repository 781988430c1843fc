"""The page of error codes."""

from graphql import GraphQLEnumType, GraphQLSchema

from app.domain.errors import MEANING
from tools.reference.markdown import code, table
from tools.reference.schema import prose

_INTRODUCTION = """\
# Error codes

How errors reach you, and what a program does with them, is in [errors](../guide/errors.md).
"""
_TOP = """\
## Of an operation

`errors[].extensions.code` of the answer. A code that you do not know: treat it by `retryable` of
the query `errorCodes`, which serves this table.
"""
_INPUT = """\
## Of an input

`code` in the `errors` of a payload, or in `extensions.errors` of INVALID_INPUT.
"""


def page(schema: GraphQLSchema) -> str:
    """The whole page."""
    top = (
        (code(name), meaning, "yes" if retryable else "no")
        for name, (meaning, retryable) in MEANING.items()
    )
    rules = schema.type_map["InputErrorCode"]
    assert isinstance(rules, GraphQLEnumType)
    broken = ((code(name), prose(value)) for name, value in rules.values.items())
    return "\n".join(
        [
            _INTRODUCTION,
            _TOP,
            table(("code", "what it means, and what to do", "the same may succeed later"), top),
            _INPUT,
            table(("code", "meaning"), broken),
        ]
    )
