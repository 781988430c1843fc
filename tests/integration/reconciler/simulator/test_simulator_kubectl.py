"""docs/simulator-kubectl.md, run: every command of its two lists, in order, against a simulator."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator import running_simulator

pytestmark = pytest.mark.faults

PAGE = Path(__file__).parents[4] / "docs" / "simulator-kubectl.md"
MANIFESTS = Path(__file__).parent / "manifests"
COMMAND_SECONDS = 60.0


def commands(place: int, minor: int) -> Iterator[tuple[str, str]]:
    """(command, what its answer holds) of the page's first or second list, for kubectl 1.minor."""
    lists = re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for line in lists[place].splitlines():
        command, _, said = line.rpartition("#")
        newer = re.match(r" \(from 1\.(\d+)\)", said)
        if newer is None or int(newer[1]) <= minor:
            yield command.strip(), said[newer.end() if newer else 0 :].strip()


def spaced(text: str) -> str:
    return " ".join(text.split())


async def answer(command: str, environment: dict[str, str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_shell(
        command,
        cwd=MANIFESTS,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(COMMAND_SECONDS):
        told, _ = await process.communicate()
    return process.returncode or 0, spaced(told.decode())


async def minor_version(environment: dict[str, str]) -> int:
    _, told = await answer("kubectl version --client -o json", environment)
    return int(json.loads(told)["clientVersion"]["minor"].rstrip("+"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    if shutil.which("kubectl") is None:
        if os.environ.get("MOORING_TEST_REQUIRE_ALL") == "1":
            pytest.fail("kubectl is not installed")
        pytest.skip("kubectl is not installed")
    kept = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"}
    return {**kept, "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "kubeconfig")}


@pytest.mark.timeout(600)
async def test_what_the_page_says_works_does(tmp_path: Path, environment: dict[str, str]) -> None:
    listed = list(commands(0, await minor_version(environment)))

    async with running_simulator(tmp_path):
        answers = [(command, said, *await answer(command, environment)) for command, said in listed]

    assert len(answers) > 40
    assert [one for one in answers if one[2] != 0] == []
    assert [one for one in answers if spaced(one[1]) not in one[3]] == []


@pytest.mark.timeout(600)
async def test_what_the_page_says_is_refused_is(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    listed = list(commands(1, await minor_version(environment)))

    async with running_simulator(tmp_path):
        made = await answer("kubectl apply -f box.yaml -f db.yaml", environment)
        answers = [(command, said, *await answer(command, environment)) for command, said in listed]

    assert made[0] == 0
    assert len(answers) > 5
    assert [one for one in answers if one[2] == 0] == []
    assert [one for one in answers if spaced(one[1]) not in one[3]] == []
