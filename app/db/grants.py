"""Which sessions and API tokens are still good, and for how long: asked for all streams at once."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor

# A session's streams live as long as its newest access token: whoever renews it carries them on.
_LEFT = text("""
SELECT id, extract(epoch FROM least(access_until, expires_at) - mooring_clock()) AS seconds
FROM session WHERE id = ANY(CAST(:ids AS uuid[]))
UNION ALL
SELECT id, extract(epoch FROM expires_at - mooring_clock())
FROM api_token WHERE id = ANY(CAST(:ids AS uuid[]))
""")


async def left(executor: Executor, ids: Collection[UUID]) -> dict[UUID, float]:
    """The seconds that each session or API token is still good for, infinity for one without an
    end; one that is no more is left out."""
    found = await executor.execute(_LEFT, {"ids": list(ids)})
    return {row.id: float("inf") if row.seconds is None else float(row.seconds) for row in found}
