"""The page of reasons: what `why.reason` can say, and what to do about it."""

from app.domain.reasons import Reason
from tools.reference.markdown import code, table

_INTRODUCTION = """\
# Reasons

What `reason` of an [Explanation](types.md#explanation) or of a [Change](types.md#change) can say.
The table grows: a program shows a reason that it does not know, with its `message`, as it is.

Whatever the reason, Mooring looks again by itself (`nextAttemptAt`), and at once after a retry or
any change of what you want; when the cause is gone, so is the reason. *ERROR* says when it turns
the status to ERROR: at once where repeating the same can change nothing, otherwise when the
[deadline](settings.md#the-reconciler) of starting, stopping or terminating has passed; never where
it only says what is awaited for a bounded time. *Whose turn* is in `turn`, what to do in `remedy`:
OPERATOR is whoever runs the cluster or Mooring; in a cluster of your own, you.
"""


def page() -> str:
    """The whole page."""
    rows = ((code(it), it.means, it.turn, it.remedy, it.fails) for it in Reason)
    return "\n".join(
        [
            _INTRODUCTION,
            table(("reason", "what it means", "whose turn", "what to do", "ERROR"), rows),
        ]
    )
