"""What somebody is called who first comes by a provider."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.identities import logins
from app.domain.validation import Check


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("Ada-L", "ada-l"),
        ("ada.lovelace@example.org", "ada-lovelace"),
        ("Ådä  Lovelace", "ada-lovelace"),
        ("-x--y-", "x-y"),
        ("x" * 40, "x" * 32),
    ],
)
def test_the_provider_s_name_becomes_the_login(name: str, login: str) -> None:
    assert next(logins(name)) == login


@given(st.none() | st.text())
def test_every_login_that_is_tried_is_one(name: str | None) -> None:
    tried = list(logins(name))
    check = Check()

    for login in tried:
        check.login(login, ())

    assert not check.problems
    assert len(tried) >= 5
