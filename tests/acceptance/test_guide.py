"""Every command of the user's guide, run as it stands there, says what the guide shows."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.acceptance.programs import program
from tests.acceptance.stack import PATIENCE, Stack

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
# In the order in which a reader goes through them: each needs what the first one sets.
PAGES = (
    "first-project.md",
    "subscriptions.md",
    "errors.md",
    "statuses.md",
    "api-tokens.md",
    "audit.md",
    "environment.md",
    "databases.md",
    "sandboxes.md",
)
ADDRESS = "http://127.0.0.1:8000/graphql"

_BLOCK = re.compile(r"^```(\w*) ?(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
# What only reads is repeated until it says what is shown: the guide's reader takes his time.
_READS = re.compile(r"ask '(\{|query)")


@dataclass(frozen=True)
class Command:
    """A block of shell, and the block that shows what it says; `…` in it is anything."""

    script: str
    background: bool
    shown: str
    form: str

    def is_said_by(self, said: str) -> bool:
        """Whether this is what the guide shows."""
        if self.form == "json":
            return alike(json.loads(self.shown), parsed(said))
        lines = iter(said.splitlines())
        return all(
            any(fits(line, found) for found in lines) for line in self.shown.splitlines() if line
        )


def commands(page: str, address: str) -> Iterator[Command]:
    """The commands of a page, in order, for Mooring at this address."""
    text = (GUIDE / page).read_text().replace(ADDRESS, address)
    blocks = list(_BLOCK.finditer(text))
    for number, block in enumerate(blocks):
        language, info, script = block.groups()
        later = blocks[number + 1 :]
        if info:  # what it prints meanwhile is shown later, as text
            found = [it for it in later if it[1] == "text"]
        else:
            found = [it for it in later if it.start() == block.end() and it[1] != "sh"]
        if language == "sh":
            form, shown = (found[0][1], found[0][3]) if found else ("", "")
            yield Command(script, bool(info), shown, form)


def alike(shown: object, said: object) -> bool:
    """Whether two JSON values are the same but for what `…` stands for."""
    match shown, said:
        case dict(), dict():
            return shown.keys() == said.keys() and all(alike(shown[k], said[k]) for k in shown)
        case list(), list():
            return len(shown) == len(said) and all(map(alike, shown, said))
        case str(), str():
            return fits(shown, said)
        case _:
            return shown == said


def fits(shown: str, said: str) -> bool:
    """Whether `said` is the text with something in place of each `…`."""
    return fnmatchcase(said, re.sub(r"([\[*?])", r"[\1]", shown).replace("…", "*"))


def parsed(said: str) -> object:
    """The JSON that was printed, or the text as it is."""
    try:
        return json.loads(said)
    except ValueError:
        return said


class Shell:
    """One shell for the whole guide, as its reader has."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self.begun: list[tuple[Command, Path]] = []

    def run(self, command: Command) -> str:
        """What the command prints; its failure is printed too."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(f"{command.script}\necho; echo '== over'\n")
        stdin.flush()
        return "".join(iter(stdout.readline, "== over\n"))

    def begin(self, command: Command) -> Path:
        """Run it beside the others, to the end; the file that it prints to."""
        file = self._folder / f"background-{len(self.begun)}"
        self.begun.append((command, file))
        self.run(replace(command, script=f"{{\n{command.script}\n}} > {file} 2>&1 &"))
        return file


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """A shell for the block; what it began in the background ends with it."""
    for name in ("curl", "jq"):
        program(name, package=name)
    process = subprocess.Popen(
        [program("bash", package="bash")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        yield Shell(process, folder)
        assert process.stdin
        process.stdin.write("kill $(jobs -p)\n")


async def says(reader: Shell, command: Command) -> str:
    """What the command says: at once, or for one that reads when it says what is shown."""
    deadline = time.monotonic() + PATIENCE
    while True:
        said = reader.run(command)
        once = not _READS.match(command.script)
        if once or command.is_said_by(said) or time.monotonic() > deadline:
            return said
        await asyncio.sleep(0.1)


async def begun(file: Path) -> None:
    """Wait until what runs in the background has said something."""
    deadline = time.monotonic() + PATIENCE
    while not file.exists() or not file.read_text():
        assert time.monotonic() < deadline, f"nothing in {file.name}"
        await asyncio.sleep(0.05)


@pytest.mark.timeout(300)
async def test_every_command_says_what_the_guide_shows(stack: Stack, tmp_path: Path) -> None:
    with shell(tmp_path) as reader:
        for page in PAGES:
            for command in commands(page, stack.graphql_url):
                if command.background:
                    await begun(reader.begin(command))
                else:
                    said = await says(reader, command)
                    assert not command.form or command.is_said_by(said), f"{command}\n{said}"

        for command, file in reader.begun:
            assert command.is_said_by(file.read_text()), f"{command}\n{file.read_text()}"
