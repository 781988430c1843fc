"""What a reconciler's passes record, without a cluster: claimed and written as it does."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from app.db import claims
from app.db.claims import Claim
from app.db.record import record
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import Lane, Phase
from app.domain.viewer import RECONCILER

LATER = timedelta(minutes=5)


async def passed(database: Database, found: Callable[[Claim], Outcome]) -> None:
    """One pass over all that somebody asked for or wants gone."""
    for lane in (Lane.ASKED, Lane.DELETION):
        async with database.autocommit(RECONCILER) as connection:
            claimed, _ = await claims.claim(
                connection,
                lane=lane,
                after=UUID(int=0),
                slots=100,
                saturated=(),
                lease=timedelta(seconds=30),
                worker="test",
            )
        async with database.begin(RECONCILER) as session:
            await record(session, [(claim, found(claim)) for claim in claimed])


def running(claim: Claim) -> Outcome:
    """It is up and ready."""
    return Outcome(claim.generation, LATER, phase=Phase.RUNNING)


def gone(claim: Claim) -> Outcome:
    """Nothing of it is left."""
    return Outcome(claim.generation, LATER, phase=Phase.GONE, gone=True)


def failed(reason: Reason) -> Callable[[Claim], Outcome]:
    """It failed for `reason`."""
    return lambda claim: Outcome(
        claim.generation,
        LATER,
        phase=Phase.STARTING,
        failed=True,
        reason=reason,
        message=f"{claim.name} says so",
        object="Pod/app-0",
        attempts=1,
    )
