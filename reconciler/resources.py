"""One pass over a claimed resource, whatever its kind: the right reconciler, and what stops it.

What `reconcile` gives is the outcome to be recorded; refusals of the cluster are outcomes too.
"""

from collections.abc import Awaitable, Callable, Mapping

from app.db import claims
from app.db.claims import Claim
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.states import ResourceKind
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.errors import ClusterError


class Superseded(Exception):  # noqa: N818 - no error: somebody else has the row, or wants more
    """The row is another's or gone, or its generation has moved on: write nothing."""


async def check_lease(database: Database, claim: Claim) -> None:
    """Superseded unless the row is still ours and wants the same: read before the first write."""
    async with database.read() as connection:
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

    async def reconcile(self, claim: Claim) -> Outcome | None:
        """One pass; None: the row is another's by now, or wants something else."""
        try:
            return await self._kinds[claim.kind](claim)
        except ClusterError as error:
            return plan.refused(claim, error, self._settings)
        except Superseded:
            return None
