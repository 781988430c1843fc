"""Which volumes a resource runs with: a removed one comes back empty, and that has to be said.

Its claims' uids are kept on the row. Where none of them is left when it is up again, what was on
them is gone; a replica of a database that gets another volume is filled from the others. A claim in
use is not removed before its pod is, so they are looked at when something has happened to it.
"""

from dataclasses import dataclass, replace

from app.db.claims import Claim
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import Phase
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.manifests.kinds import CLAIM, title
from reconciler.observed.fields import text

# Volumes that are kept; a database has at most a few replicas.
_MOST = 20
_LOST = (
    "It was removed, and what was on it is gone unless somebody restored it: there is another one"
    " of its name by now, which was empty at first. Said until it is stopped and started, or"
    " changed."
)


@dataclass(frozen=True, slots=True)
class Volumes:
    """What selects the claims of a resource, and what is kept of those that it ran with last, None
    if nothing is; `quiet`: its pods are those of the last look."""

    namespace: str
    selector: str
    before: str | None
    quiet: bool


async def checked(cluster: Cluster, claim: Claim, volumes: Volumes, outcome: Outcome) -> Outcome:
    """`outcome` of a look, saying so where what it kept is gone, until it is started or changed."""
    if outcome.phase is not Phase.RUNNING:
        return outcome
    before, lost = _read(volumes.before, claim)
    if claim.phase == Phase.RUNNING and volumes.before is not None and volumes.quiet:
        return _said(claim, outcome, lost)
    found = await cluster.list_all(CLAIM, volumes.namespace, volumes.selector)
    now = {text(one, "metadata", "uid"): one for one in found[:_MOST]}
    now.pop("", None)
    if before and now and not before & set(now):
        lost = title({"kind": CLAIM.kind, **now[min(now)]})
    kept = _written(set(now) or before, claim, lost)
    if kept != volumes.before:
        outcome = replace(outcome, volumes=kept)
    return _said(claim, outcome, lost)


def _read(kept: str | None, claim: Claim) -> tuple[set[str], str | None]:
    """The uids of a row's volumes, and the one that was lost in this generation: on the row, for
    whatever else is the matter with it meanwhile has its reason."""
    words = (kept or "").split()
    mark = f"{claim.generation}:"
    lost = next((word.removeprefix(mark) for word in words if word.startswith(mark)), None)
    return {word for word in words if ":" not in word}, lost


def _written(uids: set[str], claim: Claim, lost: str | None) -> str:
    return " ".join([*sorted(uids), *([f"{claim.generation}:{lost}"] if lost else [])])


def _said(claim: Claim, outcome: Outcome, lost: str | None) -> Outcome:
    if lost is None:
        return outcome
    reason = Reason.DATA_LOST
    return replace(
        outcome,
        reason=reason,
        message=_LOST,
        object=lost,
        attempts=plan.tries(claim, reason),
    )
