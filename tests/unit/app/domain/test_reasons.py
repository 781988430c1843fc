"""The table of reasons."""

import re

import pytest

from app.domain.reasons import Reason, Turn, known


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_one_camel_case_word_and_explains_itself(reason: Reason) -> None:
    assert re.fullmatch(r"([A-Z]+[a-z]*)+", reason)
    assert reason.means.endswith(".")
    assert reason.remedy.endswith(".")
    # It says so itself where nobody has to do anything.
    waits = reason.remedy.startswith("Nothing")
    assert waits == (reason.turn is Turn.MOORING)
    assert not (reason.permanent and waits)


def test_a_stored_word_finds_its_reason() -> None:
    assert Reason("QuotaExceeded") is known("QuotaExceeded") is Reason.QUOTA_EXCEEDED
    assert known("OfTomorrow") is None
    assert Reason.QUOTA_EXCEEDED.permanent
    assert not Reason.IMAGE_PULL_FAILED.permanent
