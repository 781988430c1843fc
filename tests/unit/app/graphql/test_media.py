"""Accept against the kind of operation."""

import pytest
from graphql import OperationType

from app.graphql.media import Media, chosen
from app.graphql.requests import Refusal

GRAPHQL, JSON, EVENTS = Media.GRAPHQL.value, Media.JSON.value, Media.EVENTS.value
URQL = f"{GRAPHQL}, application/graphql+json, {JSON}, {EVENTS}, multipart/mixed"


@pytest.mark.parametrize(
    ("accept", "single", "stream"),
    [
        ("", JSON, EVENTS),
        ("*/*", JSON, EVENTS),
        ("application/*", JSON, None),
        ("text/*", EVENTS, EVENTS),
        (URQL, GRAPHQL, EVENTS),
        (JSON, JSON, None),
        (GRAPHQL, GRAPHQL, None),
        (EVENTS, EVENTS, EVENTS),
        (f"{EVENTS}, {JSON}", EVENTS, EVENTS),
        (f"{EVENTS};q=0.9, {JSON}", JSON, EVENTS),
        (f"{JSON};q=0.1, {GRAPHQL};q=0.2, {EVENTS};q=0.3", EVENTS, EVENTS),
        (f"{JSON};q=0.1, */*;q=0.2", JSON, EVENTS),
        (f"{JSON};charset=utf-8;q=1, {GRAPHQL};q=0.5", JSON, None),
        (f"Application/JSON ; Q=1, {GRAPHQL};q=0.5", JSON, None),
        ("text/html, */*;q=0.8", JSON, EVENTS),
        ("text/html", None, None),
        ("multipart/mixed", None, None),
        (f"{JSON};q=0, {EVENTS};q=0", None, None),
        (f"{JSON};q=x", None, None),
        (", ,;q=1,", None, None),
    ],
)
def test_the_most_wanted_type_that_fits_is_chosen(
    accept: str, single: str | None, stream: str | None
) -> None:
    for kind, expected in (
        (OperationType.QUERY, single),
        (OperationType.MUTATION, single),
        (None, single),
        (OperationType.SUBSCRIPTION, stream),
    ):
        if expected is None:
            with pytest.raises(Refusal, match="Accept has to name") as refused:
                chosen(accept, kind)
            assert refused.value.status == 406
        else:
            assert chosen(accept, kind) == expected
