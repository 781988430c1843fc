"""Reading the audit: conditions, checked, and the lines as JSON, oldest first.

For users over HTTP and for the operator from the command line. A batch is read, then its connection
given back, then it is sent: whoever reads slowly holds nothing, and memory holds one batch.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson

from app.db import audit_pages
from app.db.audit import Outcome
from app.db.audit_pages import AuditRow, Wanted
from app.db.session import Database
from app.domain import ids
from app.domain.errors import BadRequest
from app.domain.ids import NodeType
from app.domain.pages import Place
from app.domain.viewer import API, Viewer

# Conditions of one kind; there are not many more actions.
_ACTIONS = 100
_BATCH = 500


def wanted(
    actions: Sequence[str] | None = None,
    subject_id: str | None = None,
    outcome: Outcome | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    within: tuple[str, ...] = (),
) -> Wanted:
    """These conditions; BadRequest names what cannot be one, `within` what."""
    if actions is not None and len(actions) > _ACTIONS:
        raise BadRequest(f"At most {_ACTIONS} actions.", (*within, "actions"))
    return Wanted(
        None if actions is None else frozenset(actions),
        _subject(subject_id, within),
        outcome,
        _moment("from", since, within),
        _moment("until", until, within),
    )


def _subject(global_id: str | None, within: tuple[str, ...]) -> UUID | None:
    if global_id is None:
        return None
    found = ids.decode(global_id)
    if found is None:
        raise BadRequest("This is no id.", (*within, "subjectId"))
    return found[1]


def _moment(name: str, given: datetime | None, within: tuple[str, ...]) -> datetime | None:
    """In UTC, as Postgres takes it."""
    if given is None:
        return None
    if given.tzinfo is None:
        raise BadRequest("A moment needs its offset, such as Z.", (*within, name))
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise BadRequest("There is no such moment.", (*within, name)) from None


async def export(database: Database, viewer: Viewer | None, wanted: Wanted) -> AsyncIterator[bytes]:
    """What `viewer` may see, or for None all that there is, in batches of JSON lines."""
    place: Place | None = None
    while rows := await _batch(database, viewer, wanted, place):
        yield b"".join(map(_line, rows))
        if len(rows) < _BATCH:
            return
        place = rows[-1].place


async def _batch(
    database: Database, viewer: Viewer | None, wanted: Wanted, place: Place | None
) -> list[AuditRow]:
    async with database.read(viewer or API) as connection:
        if viewer is None:
            return await audit_pages.everything_after(connection, wanted, place, _BATCH)
        return await audit_pages.after(connection, viewer, wanted, place, _BATCH)


def _line(row: AuditRow) -> bytes:
    """As `AuditEntry` has it."""
    user = None if row.user_id is None else ids.encode(NodeType.USER, row.user_id)
    return orjson.dumps(
        {
            "id": ids.encode(NodeType.AUDIT_ENTRY, row.id),
            "at": row.at.isoformat(timespec="microseconds"),
            "action": row.action,
            "outcome": row.outcome,
            "actor": {"kind": row.actor_kind, "name": row.actor_name, "userId": user},
            "sessionId": ids.of_type("Session", row.session_id),
            "tokenId": ids.of_type("ApiToken", row.token_id),
            "address": row.address,
            "subjectType": row.subject_type,
            "subjectId": ids.of_type(row.subject_type, row.subject_id),
            "subjectName": row.subject_name,
            "detail": orjson.loads(row.detail) if row.detail else None,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
