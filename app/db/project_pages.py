"""Pages of projects: filters, orders, keyset windows, and how many there are.

Each account's projects are walked in the order asked for, and the walks merged, so that the plan
does not flip with the number of accounts (data-layer.md section 7). The orders that stand still
have an index; UPDATED_AT has none, for it would cost every visible change its HOT update, and
sorting the projects of one account costs less. Search compares folded text by `strpos`, which knows
no metacharacters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from app.db.projects import SELECT, ProjectRow
from app.db.rows import Executor, read
from app.db.visibility import visible, visible_to
from app.domain.aggregate import ProjectStatus
from app.domain.names import folded
from app.domain.pages import Direction, Key, Page, Place, Window
from app.domain.viewer import Scope


class ProjectOrderField(StrEnum):
    """What projects can be ordered by; the values are the columns."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    NAME = "name_folded"


@dataclass(frozen=True, slots=True)
class Listing:
    """Which projects, in which order; equal ones by id. None: no such condition."""

    statuses: frozenset[ProjectStatus] | None = None
    search: str | None = None
    field: ProjectOrderField = ProjectOrderField.CREATED_AT
    direction: Direction = Direction.DESC

    @property
    def scope(self) -> str:
        """The list as its cursors name it."""
        statuses = None if self.statuses is None else sorted(self.statuses)
        return f"projects {self.field} {self.direction} {statuses} {self.search!r}"

    @property
    def key(self) -> type[Key]:
        """What an item's key is in this list."""
        return str if self.field == ProjectOrderField.NAME else datetime

    def place(self, row: ProjectRow) -> Place:
        """Where a project stands in this list."""
        key: Key = getattr(row, self.field)
        return Place(key, row.id)

    @property
    def binds(self) -> Mapping[str, Any]:
        """What `_MATCHES` takes."""
        return {
            "statuses": None if self.statuses is None else list(self.statuses),
            "search": None if self.search is None else folded(self.search),
        }


_MATCHES = """
(CAST(:statuses AS text[]) IS NULL OR p.status = ANY(CAST(:statuses AS text[])))
AND (CAST(:search AS text) IS NULL OR strpos(p.name_folded, :search) > 0
  OR strpos(p.description_folded, :search) > 0)
"""
_COUNT = text(f"SELECT count(*) FROM project p WHERE {visible('p', 'id')} AND {_MATCHES}")


@cache
def _walk(field: ProjectOrderField, *, upward: bool, origin: bool, limit: bool) -> TextClause:
    onward, back, way = (">", "<", "ASC") if upward else ("<", ">", "DESC")
    bounds = [f"AND (p.{field}, p.id) {onward} (:origin_key, :origin_id)"] if origin else []
    bounds += [f"AND (p.{field}, p.id) {back} (:limit_key, :limit_id)"] if limit else []
    return text(f"""
WITH page AS (
  SELECT x.id FROM unnest(CAST(:viewer_accounts AS uuid[])) a(account_id) CROSS JOIN LATERAL (
    SELECT p.id, p.{field} AS key FROM project p
    WHERE p.account_id = a.account_id AND {visible("p", "id")} AND {_MATCHES} {" ".join(bounds)}
    ORDER BY p.{field} {way}, p.id {way} LIMIT :most) x
  ORDER BY x.key {way}, x.id {way} LIMIT :most)
{SELECT} WHERE p.id IN (SELECT id FROM page) ORDER BY p.{field} {way}, p.id {way}
""")


@cache
def _behind(field: ProjectOrderField, *, upward: bool) -> TextClause:
    back = "<=" if upward else ">="
    return text(f"""
SELECT EXISTS (SELECT FROM project p WHERE {visible("p", "id")} AND {_MATCHES}
  AND (p.{field}, p.id) {back} (:origin_key, :origin_id))
""")


async def page(
    executor: Executor, viewer: Scope, listing: Listing, window: Window
) -> Page[ProjectRow]:
    """The projects in `window` of `listing` that `viewer` may see."""
    origin, limit = window.origin, window.limit
    upward = (listing.direction == Direction.ASC) != window.backward
    binds = {**visible_to(viewer), **listing.binds, **_binds("origin", origin)}
    statement = _walk(
        listing.field, upward=upward, origin=origin is not None, limit=limit is not None
    )
    more = {"most": window.most + 1, **_binds("limit", limit)}
    rows = read(ProjectRow, await executor.execute(statement, binds | more))
    behind = (
        origin is not None
        and (await executor.execute(_behind(listing.field, upward=upward), binds)).scalar_one()
    )
    return window.page(rows, behind=behind)


async def count(executor: Executor, viewer: Scope, listing: Listing) -> int:
    """How many projects `listing` has on all pages for `viewer`."""
    found = await executor.execute(_COUNT, {**visible_to(viewer), **listing.binds})
    total: int = found.scalar_one()
    return total


def _binds(name: str, place: Place | None) -> dict[str, Any]:
    return {} if place is None else {f"{name}_key": place.key, f"{name}_id": place.id}
