"""The event loop of the reconciler's processes, its simulator's too.

uvloop's, where there is one (it is not for Windows): requests and statements are most of what
either does, and cost less there.
"""

import asyncio
import importlib
import importlib.util
from typing import Any, cast


def runner() -> asyncio.Runner:
    """For the one coroutine of a process."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.Runner()
    uvloop = cast("Any", importlib.import_module("uvloop"))
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
