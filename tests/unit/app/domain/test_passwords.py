"""Which new passwords are refused because they can be guessed."""

import pytest

from app.domain import passwords
from app.domain.errors import InputErrorCode
from app.domain.validation import Check


@pytest.mark.parametrize("password", ["1234567890", "MANCHESTER", "Q1W2E3r4t5", "qwertyuiop"])
def test_one_of_the_commonest_is_refused_whatever_its_case(password: str) -> None:
    check = Check()

    check.password(password, "ada", ("password",))

    assert [problem.code for problem in check.problems] == [InputErrorCode.NOT_ALLOWED]


def test_the_list_holds_ten_thousand_and_no_line_of_its_licence() -> None:
    assert len(passwords._common()) == 10_000
    assert passwords.is_common("password")
    assert not passwords.is_common("MIT License")
    assert not passwords.is_common("")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ada-lovelace", "ada-lovelace"),
        ("ada-lovelace", "Ada-Lovelace"),
        ("ada-lovelace", "ada-lovelace1815"),
        ("ada-lovelace", "!ada-lovelace!"),
        ("ada-lovelace", "ecalevol-ada"),
        ("ada", "adaadaadaada"),
        ("ada", "ada1234567"),
    ],
)
def test_the_login_with_little_beside_it_is_refused(login: str, password: str) -> None:
    check = Check()

    check.password(password, login, ("password",))

    assert [problem.code for problem in check.problems] == [InputErrorCode.NOT_ALLOWED]


@pytest.mark.parametrize(
    ("login", "password"),
    [("ada", "parade of adagios"), ("horse", "correct horse battery"), ("", "whatever it is")],
)
def test_a_password_that_merely_holds_the_login_is_taken(login: str, password: str) -> None:
    check = Check()

    check.password(password, login, ("password",))

    assert not check.problems
