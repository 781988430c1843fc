"""Do the checks bite? Takes away a line at a time, and plays new runs until one fails.

python -m tests.simulation.bites [--only TEXT] [--seconds 120] [--seed 7] [--publish]

Each is played in a copy of the tree. Its words are those of the check that has to find it: one that
is found by another alone is not proven here. `--publish` writes the table of docs/reliability.md,
from seeds that are drawn; the seconds are those of a machine on which nothing else runs.
"""

import argparse
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.__main__ import PUBLISHED, copied, mutated, replaced
from tests.mutants.table import MUTANTS, Mutant

_HEAD = "| Taken away | Seen by | After |"
_FOUND = re.compile(r"seeds (\d+) to (\d+), 1 failed, in (\d+) s")
_FIRST = re.compile(r"Broken\(.(.*)")


@dataclass(frozen=True, slots=True)
class Bite:
    """`names`: the line, to people; `words` of the check that has to miss it, or `other` ones."""

    names: str
    words: str
    mutant: Mutant
    other: str | None = None

    def by(self, said: str) -> str | None:
        """The words of its check in what a run ended with."""
        return next((words for words in (self.words, self.other) if words and words in said), None)


def _of(says: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.says == says)


def _only_here(file: str, old: str, new: str, *more: tuple[str, str]) -> Mutant:
    return Mutant(2, "", file, ((old, new), *more), ())


_LOOKS = "app/db/inspections.py"
_HELD = "WHERE c.id = :id AND c.lease_token = :token AND c.locked_until > mooring_clock()\n"
_STILL = "WHERE c.id = :id AND c.locked_until > mooring_clock()\n"


BITES: Final = (
    Bite(
        "the token from the fence of a record",
        "written under",
        _of("a result is taken under the token of its claim alone"),
    ),
    Bite(
        "`locked_until >` from the fence",
        "written after the end of the lease",
        _of("and before the end of the lease"),
    ),
    Bite(
        "`asked` from a record",
        "its record took the look away",
        _of("and the time"),
    ),
    Bite("`asked + 1` from an intent", "an intent that asks for no look", _of("an intent is")),
    Bite(
        "`locked_until <=` from the claim",
        "claimed while another holds it",
        _of("a row under lease is not claimed"),
    ),
    Bite(
        "`check_lease` before the first write",
        "without reading first whether it may",
        _only_here(
            "reconciler/sandboxes.py",
            "        await check_lease(self._database, claim)\n        await preflight",
            "        await preflight",
        ),
    ),
    Bite(
        "what `check_lease` asks for",
        "a pass was told that",
        _of("before the first write the lease is looked at"),
    ),
    Bite(
        "the empty list before a row goes",
        "a row went, and",
        _of("and only after lists of all kinds were empty"),
    ),
    Bite(
        "the change of a row that goes",
        "is no more: {",
        _only_here(
            "app/db/record.py",
            'session.changes += [p.change("gone", ResourceStatus.TERMINATED) for p in passes]',
            "pass",
        ),
    ),
    Bite(
        "the project's lock before a record",
        "and of ",
        _of("records of one project wait for each other"),
        "the log says",
    ),
    Bite(
        "the end of a pass before its lease",
        "whose lease ends in",
        _only_here(
            "reconciler/leases.py",
            "return min(lease.taken + self._settings.pass_timeout + lease.waited, held)",
            "return lease.taken + self._settings.pass_timeout + lease.waited",
        ),
        "which it does not hold any more",
    ),
    Bite(
        "the margin of that end",
        "whose lease ends in",
        _of("a pass stops a margin before the end"),
    ),
    Bite(
        "the token of a renewal",
        "renews or gives back another's claim",
        _of("a lease is renewed under its token"),
    ),
    Bite(
        "the generation of the claim from what was observed",
        "a pass for generation",
        _of("what was seen is of the generation that was claimed"),
    ),
    Bite(
        "the token from the record of a look at a kubeconfig",
        "written under",
        _only_here(
            _LOOKS,
            _HELD + "FOR",
            _STILL + "FOR",
            (_HELD + '""")\n_RELEASE', _STILL + '""")\n_RELEASE'),
        ),
    ),
    Bite(
        "`locked_until <=` from the claim of a look",
        "claimed while another holds it",
        _only_here(_LOOKS, 'WHERE {due("c")} AND NOT', "WHERE c.due_at <= mooring_now() AND NOT"),
    ),
    Bite(
        "which kubeconfig it was, from the record of a look",
        "is of another kubeconfig",
        _only_here(_LOOKS, "if row.generation != looked.generation and not crashed:", "if False:"),
    ),
    Bite(
        "`asked` from the record of a look",
        "its record took the look away",
        _only_here(
            _LOOKS,
            "CASE WHEN c.asked = :asked THEN mooring_now() + :after ELSE c.due_at END",
            "CASE WHEN :asked > 0 THEN mooring_now() + :after END",
        ),
    ),
    Bite(
        "whether somebody asked, from what puts looks off",
        "a look that is wanted was put off",
        _only_here(
            "app/db/rechecks.py",
            "ON r.id = i.id AND r.asked = i.asked\n  WHERE r.lane = {Lane.CLOCK:d} AND",
            "ON r.id = i.id\n  WHERE",
        ),
    ),
    Bite(
        "that its projects are gone, from an account that goes",
        "and of its account there are",
        _only_here(
            "app/db/closings.py",
            "\n    AND NOT EXISTS (SELECT 1 FROM project p WHERE p.account_id = a.id)",
            "",
        ),
    ),
)


def bitten(tree: Path, bite: Bite, seconds: float, seed: int) -> tuple[str, str]:
    """By which check it was seen in `tree`, and after how much."""
    file = tree / bite.mutant.file
    whole = file.read_text()
    command = [sys.executable, "-m", "tests.simulation", "--from", str(seed)]
    try:
        file.write_text(mutated(bite.mutant, whole))
        ended = subprocess.run(
            [*command, "--seconds", str(seconds)],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        file.write_text(whole)
    found, said = _FOUND.search(ended.stdout), _FIRST.search(ended.stdout)
    if found is None or said is None:
        return ("**missed**" if not ended.returncode else ended.stderr[-500:]), f"{seconds:.0f} s"
    first, last, took = map(int, found.groups())
    seen = bite.by(said[1]) or f"**another**: {said[1][:160]}"
    return seen, f"{last - first + 1} runs, {took} s"


def table(lines: list[tuple[str, str, str]]) -> str:
    """That of docs/reliability.md."""
    return "\n".join([_HEAD, "|---|---|---|", *(f"| {' | '.join(line)} |" for line in lines)])


def tried(bites: list[Bite], seconds: float, seed: int) -> Iterator[tuple[str, str, str]]:
    """Lines of the table."""
    with copied() as tree:
        for bite in bites:
            seen, after = bitten(tree, bite, seconds, seed)
            print(f"{bite.names}: {seen}, {after}", flush=True)  # noqa: T201
            yield bite.names, seen, after


def main() -> int:
    """0: each was seen by the check that is to see it."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulation.bites")
    asked.add_argument("--only", default="")
    asked.add_argument("--seconds", type=float, default=120)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    asked.add_argument("--publish", action="store_true")
    given = asked.parse_args()
    chosen = [bite for bite in BITES if given.only in bite.names]
    lines = list(tried(chosen, given.seconds, given.seed))
    if given.publish and not given.only:
        PUBLISHED.write_text(replaced(PUBLISHED.read_text(), _HEAD, table(lines)))
    return int(any("**" in seen for _, seen, _ in lines))


if __name__ == "__main__":
    sys.exit(main())
