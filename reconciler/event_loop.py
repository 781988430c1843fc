"""The event loop of the reconciler's processes, its simulator's too.

uvloop's, where there is one (it is not for Windows): requests and statements are most of what
either does, and cost less there.

It calls fatal, and an error, what asyncio itself passes over: that the other side of a TLS
connection went while something was still to be sent there (0.23: `SSLProtocol._do_read` writes to
a transport that is closed). Whoever asked there hears of it by an error of his own, and asks again;
an operator can do nothing with it.
"""

import asyncio
import importlib
import importlib.util
from typing import Any, cast

import structlog

log = structlog.stdlib.get_logger(__name__)


def runner() -> asyncio.Runner:
    """For the one coroutine of a process."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.Runner()
    uvloop = cast("Any", importlib.import_module("uvloop"))

    def loop() -> asyncio.AbstractEventLoop:
        made = cast("asyncio.AbstractEventLoop", uvloop.new_event_loop())
        made.set_exception_handler(_told)
        return made

    return asyncio.Runner(loop_factory=loop)


def _told(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody awaits: as the loop itself would, but of connections that have ended already."""
    transport, error = context.get("transport"), context.get("exception")
    if transport is not None and transport.is_closing() and isinstance(error, RuntimeError):
        log.debug("a closed connection was written to", what=context["message"].splitlines()[0])
    else:
        loop.default_exception_handler(context)
