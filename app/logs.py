"""Logs of a process: structlog's constant messages with fields, one line each, on standard error.

The standard library's loggers (uvicorn, SQLAlchemy, alembic) come out in the same form. A line that
is written for a request, or for a pass over what it wants, has its `trace_id`.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from app.domain import trace

Level = Literal["debug", "info", "warning", "error"]


def configure_logs(level: Level, form: Literal["json", "console"]) -> None:
    """Set up structlog and the root logger; the first thing that a process does."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _traced,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(form),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Others at debug print what they carry: websocket frames with tokens, credentials' sources.
    root.setLevel(max(logging.INFO, logging.getLevelName(level.upper())))
    for ours in ("app", "reconciler"):
        logging.getLogger(ours).setLevel(level.upper())
    # Two lines for each websocket, whatever its access_log says.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # One for each request to a provider, with its address.
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def _traced(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Which request a line is about, if there is one."""
    current = trace.current()
    if current is not None:
        event.setdefault("trace_id", current.hex)
    return event


def _rendering(form: Literal["json", "console"]) -> list[structlog.typing.Processor]:
    # Both renderers would print the local variables of each frame, passwords among them.
    if form == "console":
        plain = structlog.dev.plain_traceback
        return [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
        ]
    bare = ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(bare), structlog.processors.JSONRenderer()]
