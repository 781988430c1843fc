"""The recorded list is whole: each request once, each with its answer, each difference told."""

from collections import Counter

import pytest

from tests.differential import golden, page
from tests.differential.families import FAMILIES
from tests.differential.request import Family


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_request_has_a_name_of_its_own_and_an_answer(family: Family) -> None:
    names = [request.name for request in family.requests]

    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert list(golden.read(family)) == names


def test_the_page_of_the_simulator_lists_the_differences() -> None:
    written = page.PAGE.read_text()

    assert page.written(written, FAMILIES) == written
