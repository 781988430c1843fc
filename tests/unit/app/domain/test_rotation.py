"""What a refresh token is worth, in every standing of its session."""

import pytest

from app.domain.sessions import Standing, Verdict, judge


@pytest.mark.parametrize(
    ("rotation", "fresh", "over", "verdict"),
    [
        (5, True, False, Verdict.ROTATE),
        (5, False, False, Verdict.ROTATE),
        (4, True, False, Verdict.REPEAT),
        (4, False, False, Verdict.REUSED),
        (3, True, False, Verdict.REUSED),
        (0, True, False, Verdict.REUSED),
        (6, True, False, Verdict.REUSED),
        (-1, True, False, Verdict.REUSED),
        (5, True, True, Verdict.EXPIRED),
        (4, True, True, Verdict.EXPIRED),
        (0, False, True, Verdict.EXPIRED),
    ],
)
def test_a_refresh_token_is_worth_what_its_rotation_says(
    rotation: int, fresh: bool, over: bool, verdict: Verdict
) -> None:
    assert judge(Standing(5, fresh=fresh, over=over), rotation) is verdict
