"""The page of actions: what the audit and the history can say was done."""

from app.domain.actions import ACTIONS
from tools.reference.markdown import code, listed, table

_INTRODUCTION = """\
# Actions

What `action` of an [AuditEntry](types.md#auditentry) or of a [Change](types.md#change) can say. The
table grows: a program shows an action that it does not know as it is.

The audit has what users and API tokens asked for, in the transaction that did it: outcome `DONE`;
a request that changes nothing leaves no line. It has refusals too, outcome `REFUSED`, with
`detail.code`: of a mutation by somebody who is signed in FORBIDDEN, FRESH_SIGN_IN_REQUIRED,
BAD_CREDENTIALS and NOT_FOUND ([codes](errors.md)), at most 100 of one user in an hour; what is
RATE_LIMITED leaves none, or it would cost what the limit is to save. What Mooring does by itself is
in the history of a project only.
"""


def page() -> str:
    """The whole page."""
    rows = (
        (
            code(action.name),
            action.means,
            listed([code(name) for name in action.mutations], "and") if action.mutations else "",
            "history" if action.seen else "",
        )
        for action in ACTIONS
    )
    return "\n".join(
        [_INTRODUCTION, table(("action", "what it means", "asked for by", "only in the"), rows)]
    )
