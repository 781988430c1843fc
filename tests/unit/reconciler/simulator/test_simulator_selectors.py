"""Label selectors: parsed and judged as the real server does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.selectors import Selection, parse_labels
from reconciler.simulator.status import Refusal

keys = st.sampled_from(["a", "b.c/d-e"])
values = st.sampled_from(["", "1", "x-y"])


@given(keys, st.sets(values, min_size=1), st.dictionaries(keys, values))
def test_notin_is_the_contrary_of_in(key: str, wanted: set[str], labels: dict[str, str]) -> None:
    text = ",".join(sorted(wanted))

    (inside,) = parse_labels(f"{key} in ({text})")
    (outside,) = parse_labels(f"{key} notin ({text})")

    assert inside.holds(labels) != outside.holds(labels)
    assert inside.holds(labels) == (key in labels and labels[key] in wanted)


def test_an_equality_is_what_the_index_is_asked_for() -> None:
    selection = Selection("n", parse_labels("a,b=1,c!=2"))

    assert selection.label == ("b", "1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a in (1", "unable to parse requirement: found '', expected: ',' or ')'"),
        (",", "found ',', expected: !, identifier, or 'end of string'"),
        ("a=1,", "found '', expected: identifier after ','"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    ],
)
def test_what_cannot_be_read_is_said_in_the_real_servers_words(text: str, message: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_labels(text)

    assert (refused.value.code, refused.value.message) == (400, message)
