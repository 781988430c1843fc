"""Which ids of clients are taken, after https://www.w3.org/TR/trace-context-1/#traceparent-header."""

import asyncio

import pytest

from app.domain import trace

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "good",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-00",
        f" 00-{TRACE}-{PARENT}-01 ",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
    ],
)
def test_a_good_id_is_taken(good: str) -> None:
    found = trace.given(good)

    assert found is not None
    assert found.hex == TRACE


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f"cc-{TRACE}-{PARENT}-01.",
    ],
)
def test_what_is_none_is_not(bad: str) -> None:
    assert trace.given(bad) is None


async def test_each_task_has_its_own() -> None:
    async def request(header: str) -> str:
        trace.begin(header)
        await asyncio.sleep(0)
        return trace.named()

    ours, theirs = await asyncio.gather(request(""), request(f"00-{TRACE}-{PARENT}-01"))

    assert theirs == TRACE
    assert len(ours) == 32
    assert ours != theirs
    assert trace.current() is None
