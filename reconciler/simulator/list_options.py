"""Which parameters of a list or a watch go together: upstream's ValidateListOptions."""

from reconciler.simulator.names import forbidden, unsupported
from reconciler.simulator.parameters import Query
from reconciler.simulator.status import Cause, bad_request, invalid_options

MATCH = "resourceVersionMatch"
EXACT, NOT_OLDER = "Exact", "NotOlderThan"


def check_list(query: Query) -> None:
    """Raises Refusal 422, or 400 for a token beside a version."""
    match, version = query.get(MATCH, ""), query.get("resourceVersion", "")
    causes = []
    if match and not version:
        causes.append(_no("resourceVersionMatch is forbidden unless resourceVersion is provided"))
    if match and query.get("continue"):
        causes.append(_no("resourceVersionMatch is forbidden when continue is provided"))
    if match not in ("", EXACT, NOT_OLDER):
        causes.append(unsupported(match, (EXACT, NOT_OLDER, ""), MATCH))
    if match == EXACT and version == "0":
        causes.append(_no('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    if query.get("sendInitialEvents"):
        why = "sendInitialEvents is forbidden for list"
        causes.append(forbidden("sendInitialEvents", why))
    if causes:
        raise invalid_options("ListOptions", causes)
    if query.get("continue") and version not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")


def check_watch(query: Query) -> None:
    """Raises Refusal 422."""
    match, initial = query.get(MATCH, ""), query.get("sendInitialEvents")
    causes = []
    if initial and match != NOT_OLDER:
        why = f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER}"
        causes.append(_no(why))
    if match and not initial:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes.append(_no(why))
    if match not in ("", NOT_OLDER):
        causes.append(unsupported(match, (NOT_OLDER,), MATCH))
    if causes:
        raise invalid_options("ListOptions", causes)


def _no(why: str) -> Cause:
    return forbidden(MATCH, why)
