"""What is said of what somebody did to a resource's objects."""

from datetime import timedelta

from app.domain.observation import Outcome
from reconciler.drift import Drift

PASS = Outcome(1, timedelta(seconds=1))


def test_what_was_undone_is_told_by_its_names() -> None:
    drift = Drift(removed=["Service/a"], changed=["Secret/a-env", "Ingress/a-app"])

    assert drift.told(PASS).healed == (
        "Service/a was removed by somebody and is made again."
        " Secret/a-env, Ingress/a-app were changed by somebody and are put back."
    )


def test_a_pass_that_undid_nothing_says_nothing() -> None:
    assert Drift().told(PASS) == PASS
