"""GET /audit.jsonl: the audit as JSON lines, oldest first, as far as the caller may see it.

The credential comes as everywhere (`Authorization: Bearer …`), never in the address; conditions are
those of `auditLog`: `action` (repeated), `subjectId`, `outcome`, `from`, `until`. An answer that
breaks off ends without its last chunk, so nobody takes a part for the whole.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.db.audit import Outcome
from app.db.audit_pages import Wanted
from app.domain.errors import BadRequest, ErrorCode, Forbidden, MooringError, Unauthenticated
from app.domain.viewer import TokenScope, Viewer
from app.services import auditing

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": 'attachment; filename="audit.jsonl"',
}
_STATUS: Final = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.FORBIDDEN: 403}


def routes(viewer_of: Callable[[Request], Awaitable[Viewer | None]]) -> list[Route]:
    """`GET /audit.jsonl`; `viewer_of` says who asks, Unauthenticated for a bad token."""

    async def answer(request: Request) -> Response:
        try:
            viewer = await viewer_of(request)
            if viewer is None:
                raise Unauthenticated(reason="MISSING")
            if TokenScope.ACCOUNT not in viewer.grant.scopes:
                raise Forbidden(scope=TokenScope.ACCOUNT.value)
            lines = auditing.export(request.state.mooring.database, viewer, _wanted(request))
        except MooringError as error:
            return _refused(error)
        return StreamingResponse(lines, headers=_HEADERS, media_type="application/jsonl")

    return [Route("/audit.jsonl", answer, methods=["GET"])]


def _wanted(request: Request) -> Wanted:
    query = request.query_params
    return auditing.wanted(
        query.getlist("action") or None,
        query.get("subjectId"),
        _outcome(query.get("outcome")),
        _moment("from", query.get("from")),
        _moment("until", query.get("until")),
    )


def _outcome(text: str | None) -> Outcome | None:
    try:
        return None if text is None else Outcome(text)
    except ValueError:
        raise BadRequest("DONE or REFUSED.", ("outcome",)) from None


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        # The plus of an offset that was not percent-encoded arrives as a space.
        return None if text is None else datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise BadRequest("RFC 3339, such as 2026-01-31T09:30:00Z.", (name,)) from None


def _refused(error: MooringError) -> Response:
    body = {"errors": [{"message": str(error), "extensions": error.extensions}]}
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    status = _STATUS.get(error.code, 400)
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
