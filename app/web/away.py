"""What a route answers while Postgres is away or all connections to it are in use: 503.

`/graphql` answers for itself; this is for the routes beside it.
"""

from collections.abc import Mapping

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from app.db.session import AWAY, RETRY_AFTER, is_lost
from app.domain.errors import Unavailable

log = structlog.get_logger(__name__)


async def _answer(request: Request, error: Exception) -> Response:
    if not is_lost(error):
        raise error
    log.warning("a request lost Postgres", path=request.url.path, error=repr(error))
    later = Unavailable(RETRY_AFTER)
    body = {"errors": [{"message": str(later), "extensions": later.extensions}]}
    headers = {"Cache-Control": "no-store", "Retry-After": str(RETRY_AFTER)}
    return JSONResponse(body, 503, headers)


HANDLERS: Mapping[type[Exception], ExceptionHandler] = dict.fromkeys(AWAY, _answer)
