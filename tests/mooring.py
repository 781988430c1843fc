"""The operator's commands, `mooring status` and its like, each as a process."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tests.forking import Forked


async def mooring(url: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of one, with this MOORING_DATABASE_URL."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = await Forked(_run, out, err, url, arguments).wait()
        return code, out.read_text(), err.read_text()


def _run(out: Path, err: Path, url: str, arguments: tuple[str, ...]) -> None:
    from app.cli import cli  # noqa: PLC0415 - not in the tests' process

    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
    os.environ["MOORING_DATABASE_URL"] = url
    cli(list(arguments), prog_name="mooring")
