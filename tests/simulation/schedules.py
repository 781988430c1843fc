"""Meetings that chance alone brings about too seldom: who is held where, while who goes on.

Each drives a run to a point that matters, keeps somebody there, lets others go on, and then all go
their ways again. What it tells is who was met; None: it did not come to that.
"""

import random
from collections.abc import Callable
from uuid import UUID

from app.db.claims import Claim
from tests.simulation.stepping import Actor, Stepped
from tests.simulation.wishes import Target
from tests.simulation.worker import Worker
from tests.simulation.world import World

# Awaits in which a reconciler gets through a pass, one of its tasks through a short
# transaction, a pass through some of its writes; more or less.
_PASS, _TRANSACTION, _WRITES = 120, 16, 3
_RECORDER, _RENEWAL = "Recorder.run", "Leases.renew"
# Seconds: past a lease; past a poll.
_OVERSLEPT, _POLL = 31.0, 3.5
_MOMENTS, _PIECES, _ROUNDS = (_POLL, 0.5, _POLL), 4, 10

_Which = Callable[[Stepped], bool]


async def stay_with(world: World, number: int, most: int) -> None:
    """One of those who may go on does so, and nobody else."""
    ready = world.scheduler.ready()
    if ready:
        await world.stay_with(ready[number % len(ready)], most)


async def one_waits(world: World, chance: random.Random, number: int, most: int) -> str:
    """All go on but one, whose await takes so long: rather one that is recording."""
    held = await _go(world, chance, _PASS, until=_is_recording) if number % 3 else None
    ready = world.scheduler.ready()
    if held is None and not ready:
        return "nobody"
    held = held or chance.choice(ready)
    await world.stay_with(held, number % _TRANSACTION)
    await _go(world, chance, most, lambda one: one is not held)
    return f"{held.actor.name} {held.name}"


async def stall(world: World, chance: random.Random, seconds: float) -> str | None:
    """A reconciler gets no processor for a while just when it has read that it may write."""
    met = await _comes_to_write(world, chance)
    if met is None:
        return None
    worker, _ = met
    await world.pass_time(seconds)
    for other in world.workers:
        if other is not worker:
            await world.go_on(chance, _PASS, other)
    await world.go_on(chance, _PASS, worker)
    return worker.name


async def wait_long(world: World, chance: random.Random, number: int, seconds: float) -> str | None:
    """A pass waits so long for an answer amid its writes, and mostly so does its reconciler for
    Postgres', to a renewal; then it goes on before all others."""
    met = await _comes_to_write(world, chance)
    if met is None:
        return None
    worker, held = met
    await world.stay_with(held, number % _WRITES)
    waiting = {held, *(_tasks(world, worker, _RENEWAL) if number % 8 else ())}
    for _ in range(_PIECES):
        await world.pass_time(seconds / _PIECES)
        await _go(world, chance, _PASS // 2, lambda one: one not in waiting)
    await world.stay_with(held, _PASS)
    return f"a pass of {worker.name}" + ", and a renewal" * (len(waiting) > 1)


async def oversleep(world: World, chance: random.Random) -> str | None:
    """A reconciler sleeps past the leases that it holds, another claims a row of them, and it
    wakes with its renewal: who that is."""
    met = await _comes_to_write(world, chance)
    if met is None:
        return None
    worker, _ = met
    held = {claim.id: str(claim.lease_token) for claim in worker.passes.values()}
    worker.actor.paused = True
    await world.pass_time(_OVERSLEPT)
    taker = await _go(world, chance, _PASS, until=lambda _: _is_taken(world, held))
    # A renewal that moves nothing would not be seen.
    await world.pass_time(_MOMENTS[1])
    worker.actor.paused = False
    for renewal in _tasks(world, worker, _RENEWAL):
        await world.stay_with(renewal, _TRANSACTION)
    await world.go_on(chance, _PASS, worker)
    return None if taker is None else taker.actor.name


async def records_meet(world: World, chance: random.Random) -> bool:
    """Two reconcilers record what has moved in one project, at the same time: each waits before
    its record until another has come to its own."""
    held: dict[Stepped, set[UUID]] = {}
    while one := await _in_time(
        world,
        chance,
        lambda one: one not in held,
        lambda one: bool(world.recording.get(one.task)),
    ):
        mine = set(world.recording[one.task])
        pair = [one, *(other for other, theirs in held.items() if mine & theirs)]
        if len(pair) > 1:
            await _go(world, chance, 4 * _TRANSACTION, pair.__contains__)
            return True
        held[one] = mine
    return False


async def look_under_way(world: World, chance: random.Random) -> tuple[Worker, UUID] | None:
    """Who looks at a kubeconfig, and whose that is: it is asked for, and they go on until then."""

    def looks(one: Stepped) -> bool:
        return any(one.task in worker.looks for worker in world.workers)

    one = await _in_time(world, chance, lambda _: True, looks)
    for worker in world.workers:
        if one is not None and one.task in worker.looks:
            return worker, worker.looks[one.task].account_id
    return None


async def look_comes_late(world: World, chance: random.Random) -> str | None:
    """A reconciler sleeps in a look at a kubeconfig past its lease, and another looks meanwhile."""
    met = await look_under_way(world, chance)
    if met is None:
        return None
    worker, _ = met
    worker.actor.paused = True
    await world.pass_time(_OVERSLEPT)
    others = [other for other in world.workers if other is not worker]
    taken = await _in_time(
        world, chance, lambda _: True, lambda _: any(other.looks for other in others)
    )
    worker.actor.paused = False
    await world.go_on(chance, _PASS, worker)
    return worker.name if taken else None


async def put_off(
    world: World, chance: random.Random, seconds: float
) -> tuple[Stepped, UUID] | None:
    """Who has just read that something is as wanted and due soon, to put it off, and what."""

    def puts_off(one: Stepped) -> bool:
        return one.task in world.putting_off

    for _ in range(_ROUNDS):
        one = await _go(world, chance, _PASS, until=puts_off)
        if one is not None and (rows := world.putting_off[one.task]):
            return one, chance.choice(rows)
        await world.pass_time(seconds / _ROUNDS)
    return None


async def under_way(world: World, chance: random.Random) -> Target | None:
    """What a pass is at work on, which has just read that it may write."""
    met = await _comes_to_write(world, chance)
    if met is None:
        return None
    worker, one = met
    claim = _claim(worker, one)
    return next((t for t in world.targets() if claim and t.key == claim.id), None)


async def answered(world: World, chance: random.Random) -> None:
    """The API comes to the end of what it was asked, while nobody else goes on."""
    await _go(world, chance, _PASS, _of(world.users.actor))


async def _comes_to_write(world: World, chance: random.Random) -> tuple[Worker, Stepped] | None:
    """Whose pass has just read that it may write, and that pass."""
    known = set[UUID]().union(*(worker.checked for worker in world.workers))

    def reads(one: Stepped) -> bool:
        claims = [_claim(worker, one) for worker in world.workers]
        tokens = {claim.lease_token for claim in claims if claim is not None}
        return any(worker.checked & tokens - known for worker in world.workers)

    one = await _in_time(world, chance, lambda _: True, reads)
    return next(((worker, one) for worker in world.workers if one and _claim(worker, one)), None)


def _claim(worker: Worker, one: Stepped) -> Claim | None:
    return worker.passes.get(one.task) if one.task is not None else None


async def _in_time(
    world: World, chance: random.Random, may: _Which, until: _Which
) -> Stepped | None:
    """The same as `_go`, with a moment that passes when nobody comes there without."""
    for moment in _MOMENTS:
        if one := await _go(world, chance, _PASS, may, until):
            return one
        await world.pass_time(moment)
    return None


async def _go(
    world: World,
    chance: random.Random,
    most: int,
    may: _Which = lambda _: True,
    until: _Which = lambda _: False,
) -> Stepped | None:
    """Let those go on who may, as they are drawn, by so many awaits; whose step led there."""
    for _ in range(most):
        ready = [one for one in world.scheduler.ready() if may(one)]
        if not ready:
            return None
        one = chance.choice(ready)
        await world.step(one)
        if until(one):
            return one
    return None


def _of(actor: Actor) -> _Which:
    return lambda one: one.actor is actor


def _tasks(world: World, worker: Worker, name: str) -> list[Stepped]:
    return [one for one in world.scheduler.all_of(worker.actor) if one.name == name]


def _is_recording(one: Stepped) -> bool:
    return one.name == _RECORDER and one.asks_postgres()


def _is_taken(world: World, held: dict[UUID, str]) -> bool:
    rows = [(world.checks.rows.get(key), token) for key, token in held.items()]
    return any(row and row["lease_token"] not in (None, token) for row, token in rows)
