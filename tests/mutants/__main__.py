"""`make mutants`: take away each line that upholds an invariant, and see a test fail.

Each of three workers has a copy of the tree (what git knows of), makes one change at a time there
and runs the tests that `table` names for it. First they run on the tree as it is, where they must
pass, with the same patience. Exit code 1 when a mutant survives, or its line is not found.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.table import INVARIANTS, MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
# Seconds: whoever waits for what does not come has failed, sooner than in other runs.
_PATIENCE = "10"
_LONGEST = 120.0
# On two cores: many a test waits for what does not come.
_WORKERS = 3
# What Python compiled of a file it knows by whole seconds of the file's time, and its length:
# each mutant has a time of its own.
_TIMES = itertools.count(1_000_000_000)
PUBLISHED = ROOT / "docs/reliability.md"
_HEAD = "| | what holds | line in | test that fails without it |"


def mutated(mutant: Mutant, text: str) -> str:
    """The file's text without what upholds it; ValueError where that is not there once."""
    for old, new in mutant.edits:
        if text.count(old) != 1:
            raise ValueError(f"found {text.count(old)} times in {mutant.file}: {old!r}")
        text = text.replace(old, new)
    return text


def published(page: str) -> str:
    """The page with the table as it is by now."""
    return replaced(page, _HEAD, table())


def replaced(page: str, head: str, table: str) -> str:
    """The page with this table in the place of that which begins with `head`."""
    before, there, rest = page.partition(head)
    assert there
    after = rest.lstrip("\n")
    while after.startswith("|"):
        after = after.partition("\n")[2]
    return f"{before}{table}\n{after}"


def table() -> str:
    """The table of docs/reliability.md."""
    lines = [_HEAD, "|---|---|---|---|"]
    for mutant in MUTANTS:
        tests = "<br>".join(
            f"`{test.rpartition('::')[2].removeprefix('test_')}`" for test in mutant.tests
        )
        lines.append(f"| {mutant.invariant} | {mutant.says} | `{mutant.file}` | {tests} |")
    return "\n".join(lines)


def run_tests(tree: Path, tests: Sequence[str], *options: str) -> tuple[int, str]:
    """Exit code of pytest in `tree` (1: a test failed), and what it said."""
    environment = os.environ | {"MOORING_TEST_PATIENCE": _PATIENCE}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests]
    with subprocess.Popen(
        command,
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=_LONGEST * len(tests))
        except subprocess.TimeoutExpired:
            process.terminate()
            return 1, "it did not end"
    return process.returncode, said


def survives(tree: Path, mutant: Mutant) -> str | None:
    """Why this mutant is not caught in `tree`; None when it is."""
    file = tree / mutant.file
    whole, known = file.read_text(), file.stat()
    try:
        file.write_text(mutated(mutant, whole))
        os.utime(file, (next(_TIMES),) * 2)
        code, said = run_tests(tree, mutant.tests, "-x")
    except ValueError as error:
        return str(error)
    finally:
        file.write_text(whole)
        os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    if code == 1:
        return None
    return "survives" if code == 0 else f"pytest ended with {code}:\n{said[-2000:]}"


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of what git knows of here, as it is now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    # Postgres, which is not root, has its folders elsewhere.
    with tempfile.TemporaryDirectory(prefix="mooring-mutants-") as folder:
        for name in map(os.fsdecode, filter(None, listed.stdout.split(b"\0"))):
            if (ROOT / name).is_file():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)
        yield Path(folder)


def tried(mutants: Sequence[Mutant]) -> list[tuple[Mutant, str]]:
    """Those that are not caught, and why."""
    trees: SimpleQueue[Path] = SimpleQueue()

    def one(mutant: Mutant) -> str | None:
        tree, begun = trees.get(), time.monotonic()
        try:
            why = survives(tree, mutant)
        finally:
            trees.put(tree)
        verdict = "caught" if why is None else f"NOT CAUGHT: {why}"
        seconds = time.monotonic() - begun
        print(f"{mutant.invariant} {mutant.says} ({seconds:.0f} s): {verdict}", flush=True)  # noqa: T201
        return why

    with ExitStack() as held, ThreadPoolExecutor(_WORKERS) as pool:
        for _ in range(_WORKERS):
            trees.put(held.enter_context(copied()))
        return [(m, why) for m, why in zip(mutants, pool.map(one, mutants), strict=True) if why]


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="those whose description, file or test has this in it")
    parser.add_argument("--publish", action="store_true", help="write the table, and no more")
    given = parser.parse_args()
    if given.publish:
        PUBLISHED.write_text(published(PUBLISHED.read_text()))
        return 0
    chosen = [m for m in MUTANTS if not given.only or given.only in f"{m.says} {m.file} {m.tests}"]
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    code, said = run_tests(ROOT, tests, "-n", str(_WORKERS), "--dist", "worksteal")
    if code:
        print(f"They do not pass on the tree as it is:\n{said[-5000:]}")  # noqa: T201
        return 1
    left = tried(chosen)
    for mutant, why in left:
        print(f"NOT CAUGHT, {INVARIANTS[mutant.invariant]}: {mutant.says}: {why}")  # noqa: T201
    print(f"{len(chosen) - len(left)} of {len(chosen)} caught")  # noqa: T201
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
