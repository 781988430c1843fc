"""The kernel's promise that a child does not outlive its parent (Linux only).

For programs that are not ours, such as PostgreSQL. Our own children watch a pipe instead, which
works everywhere.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` after which the child gets `number` when the thread that started it ends.

    Popen drops root before it runs `preexec_fn`, and must: a change of user clears the promise
    (prctl(2)).
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def promise() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before the promise was made
            os._exit(1)

    return promise
