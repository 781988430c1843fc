"""The page of scopes: what an API token may ask for with each."""

from app.domain.scopes import NEEDS, Need
from app.domain.viewer import TokenScope
from tools.reference.markdown import code, table

_INTRODUCTION = """\
# Scopes

What an [API token](../guide/api-tokens.md) may ask for. None of the scopes includes another: what
reads and writes has both. Whoever is signed in may do all of it. Without the scope that a field
needs the answer is FORBIDDEN, and `extensions.scope` names it.

Fields of an object need what the way to it needs, but for those that are listed. In the answer of a
mutation that is the object's own fields; what hangs on it, such as the sandboxes of a project,
needs `projects:read` too. An id of what is the user's own, given to `node`, needs `account`.
"""


def page() -> str:
    """The whole page."""
    heads = ("field", *(code(scope.value) for scope in TokenScope), "beside that")
    rows = (
        (code(field), *(_cell(need, scope) for scope in TokenScope), _more(need))
        for field, need in NEEDS.items()
    )
    return "\n".join([_INTRODUCTION, table(heads, rows)])


def _cell(need: Need, scope: TokenScope) -> str:
    return "yes" if not need.session and need.scope in (None, scope) else ""


def _more(need: Need) -> str:
    if need.session:
        return "only who is signed in, no API token"
    if need.unlimited:
        return "not for one that is limited to projects"
    return "any token, or none" if need.scope is None else ""
