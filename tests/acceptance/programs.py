"""The machine's programs that a test needs: without one it is skipped, or fails if all must run."""

from __future__ import annotations

import os
import shutil

import pytest


def program(*names: str, package: str) -> str:
    """The path of the first of `names` that is there; `package` is what Debian calls it."""
    for name in names:
        if found := shutil.which(name):
            return found
    lacking = f"no {names[0]} on this machine: apt-get install {package}"
    if os.environ.get("MOORING_TEST_REQUIRE_ALL") == "1":
        pytest.fail(lacking)
    pytest.skip(lacking)
