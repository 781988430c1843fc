"""The users of a run: each intent is one unit of work of an API process, stepped as all else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from app.db.session import AWAY, Database, Session
from app.domain.errors import MooringError
from app.domain.viewer import Viewer
from tests.simulation.scheduler import Scheduler
from tests.simulation.stepping import Actor

Verb = Callable[[Session, Viewer], Awaitable[Any]]


@dataclass(eq=False)
class Intent:
    """One that is under way, and then what was answered."""

    said: str
    task: asyncio.Task[Any]
    answer: Any = None
    refused: Exception | None = None


@dataclass
class Users:
    """All users, in one API process."""

    database: Database
    scheduler: Scheduler
    actor: Actor = field(default_factory=lambda: Actor("api"))
    viewers: list[Viewer] = field(default_factory=list)
    # Of these each has a subscriber; of the others, the last one may go for good.
    followed: list[Viewer] = field(default_factory=list)
    open: list[Intent] = field(default_factory=list)

    def intend(self, said: str, viewer: Viewer, verb: Verb) -> Intent:
        """Begin an intent; it goes on step by step."""

        async def work() -> Any:
            return await self.database.transact(viewer, lambda session: verb(session, viewer))

        intent = Intent(said, self.scheduler.spawn(self.actor, work()))
        self.open.append(intent)
        return intent

    async def end(self) -> None:
        """The API process is gone, and so is what it was doing."""
        await self.scheduler.kill(self.actor)
        await asyncio.gather(*(i.task for i in self.open), return_exceptions=True)

    def answered(self) -> list[Intent]:
        """Those that have ended since the last time."""
        over = [intent for intent in self.open if intent.task.done()]
        self.open = [intent for intent in self.open if not intent.task.done()]
        for intent in over:
            try:
                intent.answer = intent.task.result()
            except (MooringError, *AWAY) as error:
                intent.refused = error
        return over
