"""Whose request is sent next while the budget of a cluster is spent."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import pytest

from app.domain.states import Lane
from reconciler.cluster.budget import TURN, Budget, Turn

HOG, SINGLE, THIRD = (UUID(int=number) for number in range(1, 4))


def turn(account: UUID | None, lane: Lane = Lane.ASKED) -> Turn:
    return Turn(lane, account)


@contextmanager
def standing_still() -> Iterator[None]:
    """No token comes for the block, however long it takes."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    loop.time = lambda: now  # type: ignore[method-assign]
    try:
        yield
    finally:
        del loop.time


async def served(*waiting: tuple[Turn, int]) -> list[Turn]:
    """In which order so many requests of each get through, all asked for before the first."""
    budget = Budget(rate=2000, burst=1)
    order: list[Turn] = []

    async def ask(whose: Turn) -> None:
        TURN.set(whose)
        await budget.spend()
        order.append(whose)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        with standing_still():
            await budget.spend()
            for whose, count in waiting:
                for _ in range(count):
                    group.create_task(ask(whose))
            await asyncio.sleep(0)
    return order


def before(order: Sequence[Turn], holds: Callable[[Turn], bool], last: Turn) -> int:
    """How many of those that `holds` is true of come before the last of `last`."""
    end = len(order) - 1 - order[::-1].index(last)
    return sum(holds(one) for one in order[:end])


async def test_who_asks_for_little_does_not_wait_for_all_of_somebody_elses() -> None:
    hog, single = turn(HOG), turn(SINGLE)

    order = await served((hog, 40), (single, 3))

    assert before(order, lambda one: one == hog, single) <= 4


async def test_accounts_get_alike_however_many_there_are() -> None:
    hogs = [turn(HOG), turn(THIRD), turn(None)]
    single = turn(SINGLE)

    order = await served(*((hog, 20) for hog in hogs), (single, 5))

    assert before(order, lambda one: one in hogs, single) <= 3 * 5


@pytest.mark.parametrize(
    ("flood", "wish", "most"),
    [
        # Of eight requests five, two and one.
        (Lane.CLOCK, Lane.ASKED, 3),
        (Lane.DELETION, Lane.ASKED, 5),
        (Lane.CLOCK, Lane.DELETION, 6),
        (Lane.ASKED, Lane.DELETION, 26),
        (Lane.ASKED, Lane.CLOCK, 52),
    ],
)
async def test_each_lane_has_its_share(flood: Lane, wish: Lane, most: int) -> None:
    many, few = turn(HOG, flood), turn(HOG, wish)

    order = await served((many, 60), (few, 10))

    assert before(order, lambda one: one == many, few) <= most


async def test_a_lane_that_was_silent_has_saved_nothing_up() -> None:
    budget = Budget(rate=2000, burst=1)
    order: list[Lane] = []

    async def ask(lane: Lane) -> None:
        TURN.set(turn(HOG, lane))
        await budget.spend()
        order.append(lane)

    async with asyncio.timeout(20):
        await asyncio.gather(*(ask(Lane.ASKED) for _ in range(50)))
        async with asyncio.TaskGroup() as group:
            with standing_still():
                for lane in (Lane.CLOCK, Lane.ASKED):
                    for _ in range(20):
                        group.create_task(ask(lane))
                await asyncio.sleep(0)

    # The first may have found a token, and the lanes take turns from the next one on.
    assert order[50:].index(Lane.ASKED) <= 2


async def test_who_gives_up_holds_up_nobody() -> None:
    budget = Budget(rate=20, burst=1)
    await budget.spend()
    told: list[bool] = []

    async def ask() -> None:
        TURN.set(Turn(Lane.ASKED, HOG, told.append))
        await budget.spend()

    with standing_still():
        impatient = [asyncio.ensure_future(ask()) for _ in range(5)]
        await asyncio.sleep(0)
        for task in impatient:
            task.cancel()
        patient = asyncio.ensure_future(ask())
        await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*impatient, return_exceptions=True)
        await patient

    assert all(task.cancelled() for task in impatient)
    assert (told.count(True), told.count(False)) == (6, 6)


async def test_a_burst_waits_for_nothing_and_tells_nobody() -> None:
    budget = Budget(rate=1, burst=40)
    told: list[bool] = []
    TURN.set(Turn(Lane.ASKED, HOG, told.append))

    async with asyncio.timeout(20):
        for _ in range(40):
            await budget.spend()

    assert told == []


async def test_a_busy_cluster_is_asked_more_slowly_and_soon_as_before() -> None:
    ended: list[str] = []

    async def spend(budget: Budget, name: str) -> None:
        for _ in range(20):
            await budget.spend()
        ended.append(name)

    slowed, again = Budget(rate=500, burst=1), Budget(rate=500, burst=1)
    for budget in (slowed, again):
        for _ in range(10):
            budget.slower()
    for _ in range(100):
        again.faster()

    async with asyncio.timeout(20):
        await asyncio.gather(spend(slowed, "slowed"), spend(again, "again"))

    assert ended == ["again", "slowed"]
