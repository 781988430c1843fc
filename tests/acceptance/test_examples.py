"""The programs in examples/ follow a user's projects as they say, through a killed API."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from app.domain import ids
from tests.acceptance.programs import program
from tests.acceptance.stack import PATIENCE, Stack
from tests.acceptance.story import User, user_of

EXAMPLES = Path(__file__).parents[2] / "examples"


class Example:
    """A running example, and all that it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def prints(self, *wanted: str) -> None:
        """Wait until lines with these beginnings have come, in this order."""
        async with asyncio.timeout(PATIENCE):
            for beginning in wanted:
                while not (await self._line()).startswith(beginning):
                    pass

    async def _line(self) -> str:
        assert self._process.stdout
        line = (await self._process.stdout.readline()).decode()
        assert line, f"it ended: {self.lines}"
        self.lines.append(line)
        return line


@asynccontextmanager
async def running(example: str, user: User) -> AsyncIterator[Example]:
    """The example with the user's token, for the block."""
    interpreter, address = {
        ".py": (sys.executable, user.stack.websocket_url),
        ".mjs": (program("node", package="nodejs"), user.stack.graphql_url),
    }[Path(example).suffix]
    process = await asyncio.create_subprocess_exec(
        interpreter,
        str(EXAMPLES / example),
        address,
        env=os.environ | {"TOKEN": user.token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Example(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def lines_of(project: str, stack: Stack) -> list[str]:
    """What an example prints for each change row of the project, in order."""
    decoded = ids.decode(project)
    assert decoded is not None
    connection = await asyncpg.connect(stack.owner_url)
    try:
        rows = await connection.fetch(
            "SELECT subject_name, action, to_status, reason FROM change WHERE project_id = $1"
            " ORDER BY seq",
            decoded[1],
        )
    finally:
        await connection.close()
    return [" ".join(filter(None, row)) for row in rows]


@pytest.mark.parametrize("example", ["follow.py", "follow.mjs"])
async def test_an_example_follows_a_project_to_its_end_though_the_api_is_killed(
    stack: Stack, example: str
) -> None:
    async with user_of(stack) as user, running(example, user) as follower:
        await follower.prints("  now: no projects")
        project = await user.create()
        await follower.prints("Käse & Co project.create", "  now: Käse & Co is RUNNING")
        await stack.kill("api")
        await user.want("delete", project)
        await follower.prints("Käse & Co project.delete", "Käse & Co project.gone")

        told = [line.strip() for line in follower.lines if not line.startswith("  now:")]
        assert [line for line in told if not line.startswith("lost:")] == await lines_of(
            project, stack
        )


@pytest.mark.parametrize("example", ["follow.py", "follow.mjs"])
async def test_an_example_ends_with_the_code_when_the_token_is_not_good(
    stack: Stack, example: str
) -> None:
    async with user_of(stack) as user:
        user.token = "nonsense"
        async with running(example, user) as follower:
            await follower.prints("UNAUTHENTICATED")
