"""What every process of ours under chaos loads first (PYTHONPATH): a wrong clock, and a census.

`CHAOS_CLOCK`: seconds by which this process's wall clock is off; `time.monotonic` stays, as it does
when somebody sets a real clock. `CHAOS_CENSUS`: a folder; on SIGUSR2 a file named by the process id
says which asyncio tasks there are, by the name of their coroutine.
"""

import asyncio
import datetime
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from types import FrameType

_OFF = float(os.environ.get("CHAOS_CLOCK", "0"))
_CENSUS = os.environ.get("CHAOS_CENSUS")
_time, _time_ns, _Datetime = time.time, time.time_ns, datetime.datetime


class _Kind(type):
    """Values that C made know nothing of the class below, and are of it."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _Datetime)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _Datetime)


class _Shifted(datetime.datetime, metaclass=_Kind):
    # asyncpg's C looks at its size.
    __slots__ = ()

    def __new__(cls, *given, **named):  # type: ignore[no-untyped-def]
        return _Datetime(*given, **named)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        return _Datetime.now(tz) + datetime.timedelta(seconds=_OFF)

    @classmethod
    def utcnow(cls) -> datetime.datetime:  # type: ignore[override]
        return cls.now(datetime.UTC).replace(tzinfo=None)


def _count(_number: int, _frame: FrameType | None) -> None:
    names = Counter(
        getattr(task.get_coro(), "__qualname__", "?")
        for task in list(asyncio.tasks._all_tasks)  # type: ignore[attr-defined]
        if not task.done()
    )
    file = Path(str(_CENSUS)) / f"{os.getpid()}.json"
    whole = file.with_suffix(".new")
    whole.write_text(json.dumps(names))
    whole.replace(file)


if _OFF:
    time.time = lambda: _time() + _OFF
    time.time_ns = lambda: _time_ns() + int(_OFF * 1e9)
    datetime.datetime = _Shifted  # type: ignore[misc]
if _CENSUS:
    signal.signal(signal.SIGUSR2, _count)
