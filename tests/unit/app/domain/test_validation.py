"""What users may write: each rule at, below and above its limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InputErrorCode, InvalidInput
from app.domain.quantities import milli
from app.domain.validation import Check

Code = InputErrorCode


def codes(check: Check) -> list[InputErrorCode]:
    return [problem.code for problem in check.problems]


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("ab", [Code.TOO_SHORT]),
        ("abc", []),
        ("a-1", []),
        ("-a-", []),
        ("x" * 32, []),
        ("x" * 33, [Code.TOO_LONG]),
        ("Abc", [Code.INVALID]),
        ("ab c", [Code.INVALID]),
        ("äbc", [Code.INVALID]),
        ("abc\n", [Code.INVALID]),
        ("", [Code.REQUIRED]),
    ],
)
def test_logins(login: str, expected: list[InputErrorCode]) -> None:
    check = Check()

    check.login(login, ("login",))

    assert codes(check) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", [Code.REQUIRED]),
        ("  ", [Code.REQUIRED]),
        (None, [Code.REQUIRED]),
        ("x", []),
        ("日本語 🚀 Käse", []),
        ("x" * 100, []),
        ("x" * 101, [Code.TOO_LONG]),
        ("a\0b", [Code.INVALID]),
        ("a\u202eb", [Code.INVALID]),
        ("\ud800", [Code.INVALID]),
    ],
)
def test_project_names(name: str | None, expected: list[InputErrorCode]) -> None:
    check = Check()

    check.text(name, ("name",), (1, 100))

    assert codes(check) == expected


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("500m", []),
        ("10m", []),
        ("9m", [Code.OUT_OF_RANGE]),
        ("16", []),
        ("16.001", [Code.OUT_OF_RANGE]),
        ("0", [Code.OUT_OF_RANGE]),
        ("-1", [Code.INVALID]),
        ("1e9Gi", [Code.INVALID]),
        ("abc", [Code.INVALID]),
        ("", [Code.INVALID]),
        ("٣", [Code.INVALID]),
    ],
)
def test_processor_quantities(quantity: str, expected: list[InputErrorCode]) -> None:
    check = Check()

    check.quantity(quantity, ("cpu",), ("10m", "16"))

    assert codes(check) == expected


@given(st.text())
def test_no_text_crashes_a_check(text: str) -> None:
    check = Check()

    check.login(text, ())
    check.password(text, "ada", ())
    check.github_repo(text, ())
    check.image(text, ())
    check.quantity(text, (), ("1", "2"))

    assert all(problem.message for problem in check.problems)


@given(st.integers(0, 10**6), st.sampled_from(["", "k", "M", "Ki", "Mi", "Gi"]))
def test_units_grow(amount: int, unit: str) -> None:
    factor = {"": 1, "k": 10**3, "M": 10**6, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]

    assert milli(f"{amount}{unit}") == amount * factor * 1000


def test_all_problems_are_told_at_once() -> None:
    check = Check()
    check.login("A", ("login",))
    check.password("short", "A", ("password",))

    with pytest.raises(InvalidInput) as refused:
        check.done()

    assert [problem.field for problem in refused.value.problems] == [("login",), ("password",)]


@pytest.mark.parametrize(
    ("version", "now", "expected"),
    [
        ("16.9.0", "16.4.0", []),
        ("16.4.0", "16.4.0", []),
        ("16", "16.4.0", []),
        ("16.10", "16.9.0", []),
        ("16.3", "16.4.0", [Code.NOT_ALLOWED]),
        ("17", "16.4.0", [Code.NOT_ALLOWED]),
        ("14.8.0", "16.4.0", [Code.NOT_ALLOWED]),
        ("14.8.0", "", []),
        ("14.8.0", "sixteen", []),
    ],
)
def test_a_version_goes_up_within_its_major(
    version: str, now: str, expected: list[InputErrorCode]
) -> None:
    check = Check()

    check.upgrade(version, now, ("version",))

    assert codes(check) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [("3Gi", []), ("3072Mi", []), ("4Gi", []), ("3071Mi", [Code.NOT_ALLOWED])],
)
def test_a_disk_only_grows(size: str, expected: list[InputErrorCode]) -> None:
    check = Check()

    check.growth(size, "3Gi", ("storage",))

    assert codes(check) == expected
