"""Reading the audit: pages of it, newest first, and long walks, oldest first.

A viewer sees the lines of his accounts and those of his own doing, which are two indexes: each is
walked for itself and the walks merged, so that the plan does not flip (data-layer.md section 7).
Most lines are in both; one that is, is left out after the walks, for a walk that passes over such
lines would pass over all of them. A token
that is for some projects only sees none. Whoever owns the database sees all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from app.db.audit import Outcome
from app.db.rows import Executor, columns, read
from app.db.visibility import visible, visible_to
from app.domain.pages import Page, Place, Window
from app.domain.viewer import ActorKind, Scope


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A line; `detail` is JSON text."""

    id: UUID
    at: datetime
    account_id: UUID | None
    user_id: UUID | None
    actor_kind: ActorKind
    actor_name: str
    session_id: UUID | None
    token_id: UUID | None
    address: str | None
    action: str
    subject_type: str | None
    subject_id: UUID | None
    subject_name: str | None
    outcome: Outcome
    detail: str | None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.at, self.id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; None: no such condition. From `since` on, and before `until`."""

    actions: frozenset[str] | None = None
    subject_id: UUID | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def scope(self) -> str:
        """The list as its cursors name it."""
        actions = None if self.actions is None else sorted(self.actions)
        return f"audit {actions} {self.subject_id} {self.outcome} {self.since} {self.until}"

    @property
    def binds(self) -> dict[str, Any]:
        """What `_MATCHES` takes."""
        return {
            "actions": None if self.actions is None else list(self.actions),
            "subject_id": self.subject_id,
            "outcome": None if self.outcome is None else self.outcome.value,
            "since": self.since,
            "until": self.until,
        }


_MATCHES = """
(CAST(:actions AS text[]) IS NULL OR a.action = ANY(CAST(:actions AS text[])))
AND (CAST(:subject_id AS uuid) IS NULL OR a.subject_id = CAST(:subject_id AS uuid))
AND (CAST(:outcome AS text) IS NULL OR a.outcome = CAST(:outcome AS text))
AND (CAST(:since AS timestamptz) IS NULL OR a.at >= CAST(:since AS timestamptz))
AND (CAST(:until AS timestamptz) IS NULL OR a.at < CAST(:until AS timestamptz))
"""
_COLUMNS = columns(AuditRow, "a", detail="CAST(a.detail AS text)")
# No project: a line has none, so nobody who is limited to some sees it.
_ON_ACCOUNTS = visible("a", "account_id") + " AND CAST(:viewer_projects AS uuid[]) IS NULL"
_OWN = "a.user_id = CAST(:viewer_user AS uuid) AND CAST(:viewer_projects AS uuid[]) IS NULL"


def _binds(viewer: Scope) -> dict[str, Any]:
    return {**visible_to(viewer), "viewer_user": viewer.user_id}


def _bounds(*, upward: bool, origin: bool, limit: bool) -> str:
    onward, back = (">", "<") if upward else ("<", ">")
    bounds = [f" AND (a.at, a.id) {onward} (:origin_key, :origin_id)"] if origin else []
    bounds += [f" AND (a.at, a.id) {back} (:limit_key, :limit_id)"] if limit else []
    return "".join(bounds)


@cache
def _walk(*, upward: bool, origin: bool, limit: bool) -> TextClause:
    way = "ASC" if upward else "DESC"
    matches = _MATCHES + _bounds(upward=upward, origin=origin, limit=limit)
    order = f"ORDER BY a.at {way}, a.id {way} LIMIT :most"
    return text(f"""
SELECT {_COLUMNS} FROM (SELECT DISTINCT ON (at, id) * FROM (
  SELECT x.* FROM unnest(CAST(:viewer_accounts AS uuid[])) k(account_id) CROSS JOIN LATERAL (
    SELECT a.* FROM audit a
    WHERE a.account_id = k.account_id AND {_ON_ACCOUNTS} AND {matches} {order}) x
  UNION ALL
  SELECT x.* FROM unnest(ARRAY[CAST(:viewer_user AS uuid)]) k(user_id) CROSS JOIN LATERAL (
    SELECT a.* FROM audit a
    WHERE a.user_id = k.user_id AND {_OWN} AND {matches} {order}) x) walked) a
{order}
""")


@cache
def _everything(*, origin: bool) -> TextClause:
    bounds = _bounds(upward=True, origin=origin, limit=False)
    return text(f"""
SELECT {_COLUMNS} FROM audit a WHERE {_MATCHES}{bounds} ORDER BY a.at, a.id LIMIT :most
""")


@cache
def _behind(*, upward: bool) -> TextClause:
    back = "<=" if upward else ">="
    matches = f"{_MATCHES} AND (a.at, a.id) {back} (:origin_key, :origin_id)"
    return text(f"""
SELECT EXISTS (SELECT FROM audit a WHERE {_ON_ACCOUNTS} AND {matches})
  OR EXISTS (SELECT FROM audit a WHERE {_OWN} AND {matches})
""")


_BY_IDS = text(f"""
SELECT {_COLUMNS} FROM audit a
WHERE a.id = ANY(CAST(:ids AS uuid[])) AND (({_ON_ACCOUNTS}) OR ({_OWN}))
""")


async def page(executor: Executor, viewer: Scope, wanted: Wanted, window: Window) -> Page[AuditRow]:
    """The lines in `window`, newest first, as far as `viewer` may see them."""
    upward, origin, limit = window.backward, window.origin, window.limit
    statement = _walk(upward=upward, origin=origin is not None, limit=limit is not None)
    binds = {**_binds(viewer), **wanted.binds, **_place("origin", origin)}
    more = {"most": window.most + 1, **_place("limit", limit)}
    rows = read(AuditRow, await executor.execute(statement, binds | more))
    behind = (
        origin is not None and (await executor.execute(_behind(upward=upward), binds)).scalar_one()
    )
    return window.page(rows, behind=behind)


async def after(
    executor: Executor, viewer: Scope, wanted: Wanted, place: Place | None, most: int
) -> list[AuditRow]:
    """The `most` oldest lines that `viewer` may see, of those after `place`."""
    statement = _walk(upward=True, origin=place is not None, limit=False)
    binds = {**_binds(viewer), **wanted.binds, **_place("origin", place), "most": most}
    return read(AuditRow, await executor.execute(statement, binds))


async def everything_after(
    executor: Executor, wanted: Wanted, place: Place | None, most: int
) -> list[AuditRow]:
    """The `most` oldest lines of the installation, of those after `place`; for its operator."""
    binds = {**wanted.binds, **_place("origin", place), "most": most}
    found = await executor.execute(_everything(origin=place is not None), binds)
    return read(AuditRow, found)


async def by_ids(executor: Executor, viewer: Scope, ids: Sequence[UUID]) -> list[AuditRow]:
    """Those of `ids` that `viewer` may see."""
    found = await executor.execute(_BY_IDS, {**_binds(viewer), "ids": list(ids)})
    return read(AuditRow, found)


def _place(name: str, place: Place | None) -> dict[str, Any]:
    return {} if place is None else {f"{name}_key": place.key, f"{name}_id": place.id}
