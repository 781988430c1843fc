"""A coroutine that goes on by one await at a time, each when the scheduler says so.

`Stepped` forwards each suspension of what it drives, a future of a socket, a timer or an event, and
when that is done it waits for its turn before it goes on. What is cancelled meanwhile (a deadline
has passed, a group ends) hears of it at its next turn, as it would in a process that got no
processor. Of one that is dead nothing goes on: each await is cancelled until it has ended, which is
a crash but for the sockets.
"""

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from dataclasses import dataclass
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Protocol

_OTHERS = ("/asyncio/queues.py", "/asyncio/locks.py")


@dataclass(eq=False)
class Actor:
    """A process: its tasks go on when it is their turn, none while it is paused; dead: never."""

    name: str
    paused: bool = False
    dead: bool = False


class Turns(Protocol):
    """Who decides whose turn it is."""

    def waits(self, one: "Stepped") -> None:
        """It could go on."""

    def suspended(self, one: "Stepped") -> None:
        """It has gone on as far as it can for now."""

    def ended(self, one: "Stepped") -> None:
        """It is over."""


class Stepped:
    """Drives `coro` as one task of `actor`."""

    def __init__(self, coro: Coroutine[Any, Any, Any], actor: Actor, turns: Turns) -> None:
        self._coro = coro
        self._turns = turns
        self.actor = actor
        self.name = getattr(coro, "__qualname__", "?")
        self.task: asyncio.Task[Any] | None = None
        self.turn: asyncio.Future[None] | None = None
        self.over = False
        # Known once for each await: as long as it lasts nothing of it moves.
        self._asks: bool | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        resume: Any = self._coro.send
        given: Any = None
        while True:
            cancelled = yield from self._await_turn()
            if cancelled is not None:
                resume, given = self._coro.throw, cancelled
            self._asks = None
            try:
                awaited = resume(given)
            except BaseException as end:
                self.over = True
                self._turns.ended(self)
                if isinstance(end, StopIteration):
                    return end.value
                raise
            self._turns.suspended(self)
            if self.actor.dead and self.task is not None:
                asyncio.get_running_loop().call_soon(self.task.cancel)
            resume, given = self._coro.send, None
            try:
                given = yield awaited
            except GeneratorExit:
                self._coro.close()
                raise
            except BaseException as raised:
                resume, given = self._coro.throw, raised

    def _await_turn(self) -> Generator[Any, Any, asyncio.CancelledError | None]:
        """What has cancelled it by the time it may go on, if anything."""
        cancelled: asyncio.CancelledError | None = None
        while not self.actor.dead:
            self.turn = asyncio.get_running_loop().create_future()
            self._turns.waits(self)
            try:
                yield from self.turn
            except asyncio.CancelledError as told:
                cancelled = told
                continue
            self.turn = None
            return cancelled
        self.turn = None
        return cancelled or asyncio.CancelledError()

    def kill(self) -> None:
        """Its actor is dead: let it hear of it."""
        if self.task is not None:
            self.task.cancel()

    def asks_postgres(self) -> bool:
        """Whether it waits for an answer of Postgres."""
        if self._asks is None:
            self._asks = self._is_asking()
        return self._asks

    def _is_asking(self) -> bool:
        files = list(_files(self._coro))
        # For a connection of the pool it waits until somebody else of its process gives one back.
        if files[-1].endswith(_OTHERS):
            return False
        return any("/sqlalchemy/" in where or "/asyncpg/" in where for where in files)


def _files(awaited: object) -> Iterator[str]:
    """The source files that a suspended coroutine has come to, outermost first."""
    while awaited is not None:
        if isinstance(awaited, CoroutineType):
            yield awaited.cr_code.co_filename
            frame, following = awaited.cr_frame, awaited.cr_await
        elif isinstance(awaited, AsyncGeneratorType):
            yield awaited.ag_code.co_filename
            frame, following = awaited.ag_frame, awaited.ag_await
        elif isinstance(awaited, GeneratorType):
            yield awaited.gi_code.co_filename
            frame, following = awaited.gi_frame, awaited.gi_yieldfrom
        else:
            return
        # A context manager awaits a step of its generator, which does not say of what.
        manager = frame.f_locals.get("self") if frame is not None else None
        within = getattr(manager, "gen", None)
        awaited = within if isinstance(within, AsyncGeneratorType) else following
