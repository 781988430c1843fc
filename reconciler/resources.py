"""One pass over a claimed resource, whatever its kind: the right reconciler, and what stops it.

What `reconcile` gives is the outcome to be recorded; refusals of the cluster are outcomes too.
"""

from collections.abc import Awaitable, Callable, Mapping

from app.db import claims
from app.db.claims import Claim
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.states import ResourceKind
from app.domain.viewer import RECONCILER
from app.settings import Settings
from reconciler import plan
from reconciler.circuit import Circuit
from reconciler.cluster.errors import ClusterError, Meaning

# An object or a list that moved under a pass: it reads again and writes again, so often at once.
_AT_ONCE = 5
_MOVED = frozenset({Meaning.CONFLICT, Meaning.EXPIRED})


class Superseded(Exception):  # noqa: N818 - no error: somebody else has the row, or wants more
    """The row is another's or gone, or its generation has moved on: write nothing."""


async def check_lease(database: Database, claim: Claim) -> None:
    """Superseded unless the row is still ours and wants the same: read before the first write."""
    async with database.read(RECONCILER) as connection:
        if not await claims.still_current(connection, claim):
            raise Superseded


class Resources:
    """Reconciles each kind by its own."""

    def __init__(
        self,
        kinds: Mapping[ResourceKind, Callable[[Claim], Awaitable[Outcome]]],
        settings: Settings,
    ) -> None:
        self._kinds = kinds
        self._settings = settings
        self._circuit = Circuit(settings.retry_longest / 2)

    async def reconcile(self, claim: Claim) -> Outcome | None:
        """One pass; None: the row is another's by now, or wants something else."""
        known = self._circuit.refusal(claim)
        if known is not None:
            return plan.refused(claim, known, self._settings)
        try:
            outcome = await self._insist(claim)
        except ClusterError as error:
            self._circuit.failed(error)
            return plan.refused(claim, error, self._settings)
        except Superseded:
            return None
        self._circuit.worked()
        return outcome

    async def _insist(self, claim: Claim) -> Outcome:
        reconcile = self._kinds[claim.kind]
        for _ in range(_AT_ONCE):
            try:
                return await reconcile(claim)
            except ClusterError as error:
                if error.meaning not in _MOVED:
                    raise
        return await reconcile(claim)
