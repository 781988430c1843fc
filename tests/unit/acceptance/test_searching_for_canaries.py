"""The search for canaries finds what it is for; a search that finds nothing would prove nothing."""

import base64
import json

import pytest

from tests.acceptance.canaries import Canaries


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz", "a:b:c:d:"])
def test_a_canary_is_found_in_every_form(before: str) -> None:
    canaries = Canaries()
    text = f"{before}{canaries.plant('it')}-and-more"

    for number, form in enumerate(
        [
            text,
            json.dumps({"a": text}),
            text.encode().hex(),
            base64.b64encode(text.encode()).decode(),
            base64.urlsafe_b64encode(text.encode()).decode(),
            json.dumps([text]),
        ]
    ):
        canaries.search(f"form {number}", form)

    assert len(canaries.seen) == 6


def test_what_belongs_somewhere_is_not_noted_there() -> None:
    canaries = Canaries()
    secret = canaries.plant("it")

    canaries.search("there", secret, "it")
    canaries.search("elsewhere", "nothing")

    assert canaries.seen == set()
