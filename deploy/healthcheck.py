"""The image's health check: the API must answer; other processes are healthy while they run.

Copied into the image beside the code and run by Docker; standard library only, so that a check
costs no import of the application.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path


def main() -> int:
    """0 when healthy, as Docker wants it."""
    if b"api" not in Path("/proc/1/cmdline").read_bytes().split(b"\0"):
        return 0
    url = f"http://127.0.0.1:{os.environ.get('MOORING_PORT', '8000')}/healthz"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=4) as answer:
            return 0 if answer.status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
