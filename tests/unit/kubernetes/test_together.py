"""Tests that would disturb each other in one cluster are run by one process."""

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.kubernetes.conftest import TOGETHER, Together


def test_what_is_of_one_file_is_one_piece_of_work_and_the_others_are_each_their_own(
    pytestconfig: pytest.Config,
) -> None:
    files = [Path("tests/kubernetes", name) for name in TOGETHER]

    split = object.__new__(Together)._split_scope
    scopes = {split(f"{file}::test_{n}") for file in files for n in range(3)}

    assert all((pytestconfig.rootpath / file).is_file() for file in files)
    assert scopes == {str(file) for file in files}
    assert split("tests/kubernetes/test_pods.py::test_a[x::y]") == (
        "tests/kubernetes/test_pods.py::test_a[x::y]"
    )
    # What is asked there is what xdist's own asks.
    assert "_split_scope" in vars(LoadScopeScheduling)
