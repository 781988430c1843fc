"""What has to be said once a database comes from a backup: by `mooring restored`, as its owner.

Clients hold cursors into changes that are gone, so these get another epoch: everybody reads his
projects anew. Objects in the cluster carry later generations than their rows, and are left alone as
long as that is so (`reconciler.plan.is_newer`); every wish of the backup is made a later one still.
Which CRDs a row has objects of may have been written down since, so any may be there.
"""

from sqlalchemy import text

from app.db import projects
from app.db.definitions import UNKNOWN
from app.db.rows import Executor
from app.domain.states import ResourceKind

# More than anybody wishes between two backups; a generation is below 2**31.
_AHEAD = 1_000_000

_EPOCH = text("UPDATE installation SET epoch = (random() * 2000000000)::bigint")
_WISHES = text(f"""
UPDATE resource r SET generation = r.generation + {_AHEAD}, generation_since = mooring_now(),
  updated_at = greatest(mooring_now(), r.updated_at), asked = asked + 1, due_at = mooring_now(),
  lane = CASE WHEN desired_state = 'DELETED' THEN 1 ELSE 0 END
RETURNING r.id
""")
_ANY = [
    text(f"UPDATE {kind.lower()} SET definitions = definitions || CAST('{{{UNKNOWN}}}' AS text[])")
    for kind in ResourceKind
]


async def restored(executor: Executor) -> int:
    """Make cursors old and wishes new; how many resources there are."""
    await executor.execute(_EPOCH)
    wishes = (await executor.execute(_WISHES)).all()
    for statement in _ANY:
        await executor.execute(statement)
    await projects.settle_all(executor)
    return len(wishes)
