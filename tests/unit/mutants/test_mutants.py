"""The table of mutants fits the tree; what comes of each is for `make mutants`."""

import re
from pathlib import Path

import pytest

from tests.mutants.__main__ import PUBLISHED, ROOT, mutated, published
from tests.mutants.table import INVARIANTS, MUTANTS, Mutant
from tests.simulation.bites import BITES, Bite


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.says)
def test_a_mutant_changes_lines_that_are_there_and_names_tests_that_are(mutant: Mutant) -> None:
    before = (ROOT / mutant.file).read_text()

    after = mutated(mutant, before)

    assert after != before
    compile(after, mutant.file, "exec")
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert re.search(rf"^(async )?def {name}\(", Path(ROOT, file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("bite", BITES, ids=lambda bite: bite.names)
def test_so_do_those_that_the_simulation_is_to_see(bite: Bite) -> None:
    before = (ROOT / bite.mutant.file).read_text()

    compile(mutated(bite.mutant, before), bite.mutant.file, "exec")

    checks = (ROOT / "tests/simulation/checks.py").read_text()
    assert all(words in checks for words in (bite.words, bite.other) if words)


def test_each_invariant_has_several() -> None:
    counted = {number: sum(m.invariant == number for m in MUTANTS) for number in INVARIANTS}

    assert min(counted.values()) >= 3


def test_the_published_table_is_that_of_the_data() -> None:
    """`python -m tests.mutants --publish` writes it."""
    page = PUBLISHED.read_text()

    assert published(page) == page
