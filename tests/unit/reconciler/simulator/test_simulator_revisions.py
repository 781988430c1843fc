"""Names of revisions: the same for the same template, short enough for a label."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.controllers.revisions import LENGTH, revision

templates = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3)


@given(templates, templates)
def test_a_revision_is_equal_when_the_template_is(
    left: dict[str, int], right: dict[str, int]
) -> None:
    reordered = dict(reversed(left.items()))

    assert revision("s", left) == revision("s", reordered)
    assert (revision("s", left) == revision("s", right)) == (left == right)


def test_a_name_of_52_characters_still_fits_a_label() -> None:
    assert len(revision("x" * 52, {})) == 63 == 52 + 1 + LENGTH
