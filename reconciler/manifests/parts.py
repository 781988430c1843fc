"""Which objects a sandbox's workload names as its parts: so what is not wanted any more is found.

A port that is closed, another kind of routes or no policy any more leave objects behind that no
manifest mentions. The workload carries the titles of all that may go, and is written before they
are made: what is named there and not made any more is taken away before the mark forgets it, so
that a crash in between loses nothing, and a pass with nothing to take away asks nothing. What the
mark does not name yet is not known to be ours.
"""

from collections.abc import Iterable

from reconciler.manifests.kinds import HTTP_ROUTE, INGRESS, NETWORK_POLICY, Kind, Object, title

PARTS = "mooring.dev/parts"
# What a sandbox may have had and has no more; Secret and Service it always has.
_PASSING = (INGRESS, HTTP_ROUTE, NETWORK_POLICY)


def mark(bodies: Iterable[Object]) -> dict[str, str]:
    """The annotation that names these."""
    return {PARTS: " ".join(title(body) for body in bodies)}


def unwanted(workload: Object | None, bodies: Iterable[Object], *, anew: bool) -> list[Kind]:
    """The kinds of which the live workload names something that is not among `bodies`.

    All that pass for one that was written before there was such a mark, and where somebody took the
    workload away, mark and all, so that it is made `anew`; else none without a workload.
    """
    if workload is None:
        return list(_PASSING) if anew else []
    named = _named(workload)
    if named is None:
        return list(_PASSING)
    gone = named - {title(body) for body in bodies}
    return [kind for kind in _PASSING if any(one.startswith(f"{kind.kind}/") for one in gone)]


def is_known(workload: Object | None, body: Object, *, complete: bool) -> bool:
    """Whether an object of this name was made for the live workload, as far as can be told.

    What comes before the workload was; of what comes after it, what the mark names, if the objects
    of that time are `complete`.
    """
    if workload is None:
        return False
    if not any(body["kind"] == kind.kind for kind in _PASSING):
        return True
    named = _named(workload)
    return complete and (named is None or title(body) in named)


def _named(workload: Object) -> frozenset[str] | None:
    annotations = workload["metadata"].get("annotations") or {}
    return frozenset(annotations[PARTS].split()) if PARTS in annotations else None
