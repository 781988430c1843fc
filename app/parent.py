"""A process that ends with its parent, on every system.

`mooring dev` holds one end of a pipe and hands its children the other. When the parent ends, even
by kill -9, the kernel closes its end, the read here returns, and this process asks itself to stop.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time

# A process that ignores SIGTERM, or drains for ever, must not outlive its parent either.
_GRACE = 30.0


def stop_with_parent(pipe: int | None, *, grace: float = _GRACE) -> None:
    """Send SIGTERM to this process when `pipe` reaches its end, and SIGKILL `grace` seconds later.

    `pipe` is `Settings.parent_pipe`; None, as in production, watches nothing.
    """
    if pipe is not None:
        threading.Thread(target=_watch, args=(pipe, grace), name="parent", daemon=True).start()


def _watch(pipe: int, grace: float) -> None:
    # Nobody writes; the end of file is the message. The wait is our own, because the pipe is shared
    # with children whose event loop made it non-blocking.
    select.select([pipe], [], [])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.kill(os.getpid(), signal.SIGKILL)
