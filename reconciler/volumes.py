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
    " of its name by now, which was empty at first."
)


@dataclass(frozen=True, slots=True)
class Volumes:
    """What selects the claims of a resource, and those that it ran with last, None if unknown;
    `quiet`: its pods are those of the last look."""

    namespace: str
    selector: str
    before: str | None
    quiet: bool


async def checked(cluster: Cluster, claim: Claim, volumes: Volumes, outcome: Outcome) -> Outcome:
    """`outcome` of a look, saying so where what it kept is gone, until it is started or changed."""
    if outcome.phase is not Phase.RUNNING:
        return outcome
    if claim.phase == Phase.RUNNING and volumes.before is not None and volumes.quiet:
        return _still(claim, outcome)
    found = await cluster.list_all(CLAIM, volumes.namespace, volumes.selector)
    uids = {text(one, "metadata", "uid"): one for one in found[:_MOST]}
    before, now = set((volumes.before or "").split()), set(uids) - {""}
    if now and now != before:
        outcome = replace(outcome, volumes=" ".join(sorted(now)))
    elif volumes.before is None:
        outcome = replace(outcome, volumes="")
    if not before or not now or before & now:
        return _still(claim, outcome)
    first = title({"kind": CLAIM.kind, **uids[min(now)]})
    return _said(claim, outcome, first)


def _still(claim: Claim, outcome: Outcome) -> Outcome:
    lost = plan.is_observed(claim) and claim.reason == Reason.DATA_LOST
    return _said(claim, outcome, claim.object) if lost else outcome


def _said(claim: Claim, outcome: Outcome, culprit: str | None) -> Outcome:
    reason = Reason.DATA_LOST
    return replace(
        outcome,
        reason=reason,
        message=_LOST,
        object=culprit,
        attempts=plan.tries(claim, reason),
    )
