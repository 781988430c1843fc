"""Whose turn it is: one task of one simulated process at a time, by one await at a time.

Tasks that a simulated process begins (found by the context that they inherit) are driven by
`Stepped`; all others (the simulator, drivers, the test itself) run freely. After each step the
scheduler waits until all is quiet: nothing to do in this process, and Postgres has answered, or
says that the question waits for a lock. So who may go on next depends on the choices alone.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

import asyncpg

from tests.simulation.loop import SteppedLoop
from tests.simulation.stepping import Actor, Stepped

_ACTOR: ContextVar[Actor | None] = ContextVar("actor", default=None)
# Source files whose coroutines are stepped: not those of libraries, which have tasks of their own.
_OURS = ("/app/", "/reconciler/", "/tests/")
# Each step takes a moment, in seconds: who tries again in some milliseconds does so.
_MOMENT = 0.001
_LOCKED = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
# Seconds, on the wall's clock, in which it answers unless somebody holds a lock.
_ANSWER = 0.005
# Questions to Postgres until whoever still waits for it is taken to wait for somebody else.
_PATIENCE = 300


class Scheduler:
    """`monitor`: a connection of nobody's, to ask Postgres who waits."""

    def __init__(self, loop: SteppedLoop, monitor: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._loop = loop
        self._monitor = monitor
        self._ready: dict[Stepped, None] = {}
        self._out: dict[Stepped, None] = {}
        self._moved: asyncio.Future[None] | None = None
        self.steps = 0
        loop.set_task_factory(self._make)  # type: ignore[arg-type]

    def close(self) -> None:
        """Step nobody any more."""
        self._loop.set_task_factory(None)

    def spawn(self, actor: Actor, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of a simulated process."""
        context = copy_context()
        context.run(_ACTOR.set, actor)
        return self._loop.create_task(coro, context=context)

    def ready(self, actor: Actor | None = None) -> list[Stepped]:
        """Whoever could go on now: of all processes that are not paused, or of one."""
        return [
            one
            for one in self._ready
            if not one.actor.paused and (actor is None or one.actor is actor)
        ]

    def all_of(self, actor: Actor) -> list[Stepped]:
        """The tasks of a process, whatever they wait for."""
        return [one for one in (*self._ready, *self._out) if one.actor is actor]

    async def step(self, one: Stepped) -> None:
        """Let one go on to its next await, and what follows from that come to rest."""
        assert one.turn is not None
        self.steps += 1
        self._loop.advance(_MOMENT)
        self._moved = self._loop.create_future()
        del self._ready[one]
        one.turn.set_result(None)
        await self._moved
        self._moved = None
        await self.settled()

    async def kill(self, actor: Actor) -> None:
        """Nothing of this process goes on."""
        actor.dead = True
        for one in [*self._ready, *self._out]:
            if one.actor is actor:
                one.kill()
        await self.settled()

    async def pass_time(self, seconds: float) -> None:
        """Move the clock of this process."""
        self._loop.advance(seconds)
        await self.settled()

    async def settled(self) -> None:
        """Until who may go on does not depend on time that really passes."""
        for _ in range(_PATIENCE):
            await self._loop.drained()
            if not any(one.asks_postgres() for one in self._out):
                return
            # Mostly it answers at once.
            self._loop.listen(_ANSWER)
            await self._loop.drained()
            asking = sum(one.asks_postgres() for one in self._out)
            if not asking or await self._monitor.fetchval(_LOCKED) >= asking:
                return

    def waits(self, one: Stepped) -> None:
        self._out.pop(one, None)
        self._ready[one] = None

    def suspended(self, one: Stepped) -> None:
        self._out[one] = None
        self._note()

    def ended(self, one: Stepped) -> None:
        self._out.pop(one, None)
        self._ready.pop(one, None)
        self._note()

    def _note(self) -> None:
        if self._moved is not None and not self._moved.done():
            self._moved.set_result(None)

    def _make(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any],
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        actor = context.get(_ACTOR) if context is not None else _ACTOR.get()
        code = getattr(coro, "cr_code", None)
        if actor is None or code is None or not any(part in code.co_filename for part in _OURS):
            return asyncio.Task(coro, loop=loop, context=context)
        stepped = Stepped(coro, actor, self)
        task = asyncio.Task(_drive(stepped), loop=loop, context=context)
        stepped.task = task
        # One that is cancelled before it has begun was never awaited.
        task.add_done_callback(lambda _: coro.close())
        return task


async def _drive(one: Stepped) -> Any:
    return await one
