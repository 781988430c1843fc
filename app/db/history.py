"""Pages of the history of projects: their lines of the change log, newest first.

Many projects are read by one statement. The log itself is `feed`'s: a line never changes, and only
the oldest go, so `seq` is its place.
"""

from collections import defaultdict
from collections.abc import Collection
from functools import cache
from uuid import UUID

from sqlalchemy import TextClause, text

from app.db.feed import Change
from app.db.rows import Executor, columns, read
from app.db.visibility import visible, visible_to
from app.domain.pages import Page, Place, Window
from app.domain.viewer import Scope


def scope(project_id: UUID) -> str:
    """A project's history as its cursors name it."""
    return f"history {project_id}"


def place(change: Change) -> Place:
    """Where a change stands in its project's history."""
    return Place(change.seq, change.account_id)


@cache
def _walk(*, backward: bool) -> TextClause:
    way = "ASC" if backward else "DESC"
    return text(f"""
SELECT {columns(Change, "c")}
FROM unnest(CAST(:projects AS uuid[])) k(project_id) CROSS JOIN LATERAL (
  SELECT c.* FROM change c WHERE c.project_id = k.project_id AND {visible("c")}
    AND (CAST(:before AS bigint) IS NULL OR c.seq > :before)
    AND (CAST(:after AS bigint) IS NULL OR c.seq < :after)
  ORDER BY c.seq {way} LIMIT :most) c
ORDER BY c.project_id, c.seq {way}
""")


@cache
def _behind(*, backward: bool) -> TextClause:
    return text(f"""
SELECT k.project_id FROM unnest(CAST(:projects AS uuid[])) k(project_id)
WHERE EXISTS (SELECT FROM change c WHERE c.project_id = k.project_id AND {visible("c")}
  AND c.seq {"<=" if backward else ">="} :origin)
""")


async def pages(
    executor: Executor, viewer: Scope, projects: Collection[UUID], window: Window
) -> dict[UUID, Page[Change]]:
    """The same `window` of the history of each of `projects`, as far as `viewer` may see it."""
    backward, origin = window.backward, window.origin
    binds = {"projects": list(projects), **visible_to(viewer)}
    bounds = {
        "after": window.after and window.after.key,
        "before": window.before and window.before.key,
        "most": window.most + 1,
    }
    walked: defaultdict[UUID, list[Change]] = defaultdict(list)
    for line in read(Change, await executor.execute(_walk(backward=backward), binds | bounds)):
        walked[line.project_id].append(line)
    behind: set[UUID] = set()
    if origin is not None:
        found = await executor.execute(_behind(backward=backward), binds | {"origin": origin.key})
        behind.update(found.scalars())
    return {key: window.page(walked[key], behind=key in behind) for key in projects}
