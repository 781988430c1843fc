"""Variables as a .env file: what is read, which line is wrong, and the way there and back."""

import io
import time

import pytest
from dotenv.parser import parse_stream
from hypothesis import given
from hypothesis import strategies as st

from app.domain.dotenv import DotenvError, Entry, parse, written

KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
# Texts that come close to being files: pieces of the grammar, in any order.
PIECES = st.lists(
    st.sampled_from(
        ["A", "B1", "=", "'", '"', "\\", "#", " ", "\t", "\n", "\r\n", "export ", "x", "ü", "\\n"]
    ),
    max_size=14,
).map("".join)


def theirs(text: str) -> list[tuple[str, str]] | None:
    """What python-dotenv reads; None when it finds an error or a key without a value."""
    found = list(parse_stream(io.StringIO(text, newline="")))
    if any(one.error or (one.key is not None and one.value is None) for one in found):
        return None
    return [(one.key, one.value) for one in found if one.key is not None and one.value is not None]


def ours(text: str) -> list[tuple[str, str]] | None:
    try:
        return [(one.key, one.value) for one in parse(text)]
    except DotenvError:
        return None


@given(st.dictionaries(KEYS, VALUES))
def test_what_is_written_is_read_back_as_it_was(variables: dict[str, str]) -> None:
    text = written(variables)

    assert {one.key: one.value for one in parse(text)} == variables
    assert dict(theirs(text) or ()) == variables


@given(PIECES)
def test_what_both_accept_means_the_same_to_python_dotenv(text: str) -> None:
    read = ours(text)

    if read is not None:
        assert theirs(text) in (read, None)


def test_every_form() -> None:
    text = """\ufeff# a comment
A=1
  export B = two words # and a comment
C='single $A #no \\' "\\n'   # yes
D="line one
line two\\tand \\"more\\""

E=
F= # nothing
G=#1
H=a#b
I=https://x.test/?a=b&c=d
A=last
"""
    assert parse(text) == [
        Entry("A", "1", 2),
        Entry("B", "two words", 3),
        Entry("C", "single $A #no ' \"\\n", 4),
        Entry("D", 'line one\nline two\tand "more"', 5),
        Entry("E", "", 8),
        Entry("F", "", 9),
        Entry("G", "#1", 10),
        Entry("H", "a#b", 11),
        Entry("I", "https://x.test/?a=b&c=d", 12),
        Entry("A", "last", 13),
    ]


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("A=1\nB", 2, "KEY=value"),
        ("A=1\r\n\r\nexport B\r\n", 3, "KEY=value"),
        ("A=1\rB b=2", 2, "KEY=value"),
        ("=1", 1, "KEY=value"),
        ("'A'=1", 1, "KEY=value"),
        ("A='1\n2\n", 1, "never closed"),
        ('\nA="1\\"', 2, "never closed"),
        ("A='1\n2' 3\nB=1", 2, "only a comment"),
    ],
)
def test_an_error_names_its_line(text: str, line: int, rule: str) -> None:
    with pytest.raises(DotenvError) as caught:
        parse(text)

    assert caught.value.line == line
    assert rule in caught.value.rule


def test_an_error_and_an_entry_do_not_show_values() -> None:
    with pytest.raises(DotenvError) as caught:
        parse("A='canary-1")

    assert "canary" not in repr(caught.value)
    assert "canary" not in repr(parse("A=canary-1"))


@pytest.mark.parametrize(
    "text",
    [
        "A=x" + " " * 500_000,
        "A=x" + " #" * 250_000,
        "A='" + "\\" * 499_999 + "'",
        "\n" * 500_000,
        "A=" + "'x'\nB=" * 80_000,
        "=" * 500_000,
        "export " * 70_000,
        "A" * 500_000,
    ],
)
def test_reading_takes_time_by_the_length_alone(text: str) -> None:
    began = time.process_time()

    ours(text)

    assert time.process_time() - began < 2
