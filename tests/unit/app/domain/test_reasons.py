"""The table of reasons."""

import re

import pytest

from app.domain.reasons import Reason


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_one_camel_case_word_and_explains_itself(reason: Reason) -> None:
    assert re.fullmatch(r"([A-Z]+[a-z]*)+", reason)
    assert reason.means.endswith(".")
    assert reason.remedy.endswith(".")


def test_a_stored_word_finds_its_reason() -> None:
    assert Reason("QuotaExceeded") is Reason.QUOTA_EXCEEDED
    assert Reason.QUOTA_EXCEEDED.permanent
    assert not Reason.IMAGE_PULL_FAILED.permanent
