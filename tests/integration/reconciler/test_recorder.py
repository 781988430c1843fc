"""What one row's outcome may not do to those of others."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.db.claims import Claim
from app.db.session import Database
from app.domain.observation import Addresses, Outcome
from app.domain.reasons import Reason
from app.domain.states import Phase
from app.domain.viewer import API
from app.settings import Settings
from tests.integration.reconciler.test_loop import running
from tests.integration.world import becomes, project_of, viewer_of


@pytest.mark.parametrize(
    "poison",
    [
        {"message": "\0", "reason": Reason.PERMISSION_MISSING},
        {"object": "Pod/\0", "reason": Reason.PERMISSION_MISSING},
        {"message": "half \ud800", "reason": Reason.PERMISSION_MISSING},
        {"details": Addresses(public_url="https://\0", ttyd_url=None)},
        {"details": Addresses(public_url=5, ttyd_url=None)},  # type: ignore[arg-type]
        {"attempts": 2**40},
    ],
    ids=["message", "object", "surrogate", "details", "type", "range"],
)
async def test_what_postgres_does_not_take_keeps_nobody_else_from_being_recorded(
    database: Database, settings: Settings, poison: dict[str, Any]
) -> None:
    alice, bob = await viewer_of(database), await viewer_of(database, "bob")
    await project_of(database, alice)
    await project_of(database, bob)

    async def reconcile(claim: Claim) -> Outcome:
        found = Outcome(claim.generation, timedelta(minutes=5), phase=Phase.RUNNING)
        return found if claim.account_id == bob.home else replace(found, **poison)

    async def is_up() -> bool:
        query = text("SELECT 1 FROM resource WHERE account_id = :id AND status = 'RUNNING'")
        async with database.read(API) as connection:
            return (await connection.execute(query, {"id": bob.home})).first() is not None

    async with running(database, reconcile, settings):
        await becomes(is_up)
