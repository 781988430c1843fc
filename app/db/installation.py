"""What tells this installation from another in the same cluster: its mark, drawn with the database.

A backup has it, so a restored database knows its objects again; a new, empty one has another, so
that nothing which an older one left is taken for its own.
"""

from uuid import UUID

from sqlalchemy import text

from app.db.rows import Executor

# For a statement that makes something from a row.
MARK = "(SELECT mark FROM installation)"
_MARK = text("SELECT mark FROM installation")


async def mark(executor: Executor) -> UUID:
    """What all objects of this installation carry."""
    found: UUID = (await executor.execute(_MARK)).scalar_one()
    return found
