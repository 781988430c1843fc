"""The page of reasons: what `why.reason` can say, and what to do about it."""

from collections.abc import Mapping

from tools.reference.markdown import code, table

_INTRODUCTION = """\
# Reasons

What `reason` of an [Explanation](types.md#explanation) or of a [Change](types.md#change) can say.
The table will grow: a program shows a reason that it does not know, with its `message`, as it is.
Whether a retry helps is the same for all: Mooring tries again by itself (`nextAttemptAt`), at once
after a `retry…` or any change of what you want.
"""


def page(reasons: Mapping[str, tuple[str, str]]) -> str:
    """The whole page; `reasons` gives for each what it means, and what to do."""
    rows = ((code(reason), meaning, todo) for reason, (meaning, todo) in reasons.items())
    return "\n".join([_INTRODUCTION, table(("reason", "what it means", "what to do"), rows)])
