"""What each process loads: neither pays for the other's libraries."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "unloaded"),
    [
        ("reconciler.__main__", {"strawberry", "starlette", "uvicorn"}),
        ("app.main", {"kubernetes_asyncio", "reconciler"}),
        ("app.domain.validation", {"sqlalchemy", "pydantic", "structlog"}),
    ],
)
def test_a_fresh_interpreter_does_not_load_the_other_side(module: str, unloaded: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert module in loaded.stdout.split()
    assert unloaded.isdisjoint(loaded.stdout.split())
