"""What all runs rest on: one await at a time, on a clock that stands still."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.simulation.loop import SteppedLoop
from tests.simulation.stepping import Actor, Stepped


class _Turns:
    """Gives a turn when asked to."""

    def __init__(self) -> None:
        self.ready: list[Stepped] = []

    def waits(self, one: Stepped) -> None:
        self.ready.append(one)

    def suspended(self, one: Stepped) -> None:
        """It waits for something."""

    def ended(self, one: Stepped) -> None:
        """It is over."""

    def give(self) -> None:
        turn = self.ready.pop().turn
        assert turn is not None
        turn.set_result(None)


@pytest.fixture
def loop() -> Iterator[SteppedLoop]:
    made = SteppedLoop()
    yield made
    made.close()


async def _driven(one: Stepped) -> object:
    return await one


def _begun(loop: SteppedLoop, one: Stepped) -> "asyncio.Task[object]":
    one.task = loop.create_task(_driven(one))
    loop.run_until_complete(loop.drained())
    return one.task


def test_it_goes_on_by_one_await_with_each_turn(loop: SteppedLoop) -> None:
    done: list[int] = []

    async def work() -> None:
        for n in range(3):
            done.append(n)
            await asyncio.sleep(0)

    turns = _Turns()
    _begun(loop, Stepped(work(), Actor("it"), turns))
    seen = []
    for _ in range(4):
        seen.append(list(done))
        turns.give()
        loop.run_until_complete(loop.drained())

    assert seen == [[], [0], [0, 1], [0, 1, 2]]


def test_time_passes_when_it_is_told_to_and_who_waits_for_it_still_needs_a_turn(
    loop: SteppedLoop,
) -> None:
    woken: list[float] = []

    async def work() -> None:
        await asyncio.sleep(300)
        woken.append(loop.time())

    turns = _Turns()
    begun = loop.time()
    _begun(loop, Stepped(work(), Actor("it"), turns))
    turns.give()
    loop.run_until_complete(loop.drained())
    early = list(turns.ready)
    loop.advance(300)
    loop.run_until_complete(loop.drained())
    late = list(woken)
    turns.give()
    loop.run_until_complete(loop.drained())

    assert (early, late) == ([], [])
    assert woken == [begun + 300]


def test_a_deadline_that_passes_while_it_has_no_turn_is_heard_of_at_the_next_one(
    loop: SteppedLoop,
) -> None:
    said: list[str] = []

    async def work() -> None:
        try:
            async with asyncio.timeout(5):
                await asyncio.sleep(0)
                said.append("too late")
                await asyncio.sleep(0)
        except TimeoutError:
            said.append("stopped")

    turns = _Turns()
    _begun(loop, Stepped(work(), Actor("it"), turns))
    turns.give()
    loop.run_until_complete(loop.drained())
    loop.advance(6)
    loop.run_until_complete(loop.drained())
    turns.give()
    loop.run_until_complete(loop.drained())

    assert said == ["stopped"]


def test_of_who_is_dead_nothing_goes_on(loop: SteppedLoop) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            done.append("more")

    turns, actor = _Turns(), Actor("it")
    one = Stepped(work(), actor, turns)
    task = _begun(loop, one)
    turns.give()
    loop.run_until_complete(loop.drained())
    actor.dead = True
    one.kill()
    loop.run_until_complete(asyncio.wait([task]))

    assert task.cancelled()
    assert done == []
