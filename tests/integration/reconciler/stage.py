"""A stage for failures: a cluster that may be made to fail, and what users see of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from sqlalchemy import text

from app.db.resources import NEXT_ATTEMPT
from app.db.rows import columns, read
from app.db.session import Database
from app.domain.reasons import Reason
from app.domain.viewer import API, Viewer
from app.settings import Settings
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.trusted import connect
from reconciler.loop import Loop
from tests.integration.reconciler.test_loop import running
from tests.integration.reconciler.working import resources_of
from tests.integration.world import becomes, project_of, viewer_of
from tests.simulator import RunningSimulator

Json = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What users see of a resource's trouble."""

    status: str
    reason: str | None
    message: str | None
    object: str | None
    since: datetime | None
    attempts: int
    next_attempt_at: datetime


SHOWN = text(f"SELECT {columns(Shown, 'r', next_attempt_at=NEXT_ATTEMPT)} FROM resource r")


@dataclass(frozen=True)
class Shows:
    """What users see of the one resource in a database."""

    database: Database

    async def shown(self) -> Shown | None:
        """The one resource."""
        async with self.database.read(API) as connection:
            found = read(Shown, await connection.execute(SHOWN))
        return found[0] if found else None

    async def gone(self) -> None:
        """Wait until it is gone for good."""

        async def nothing() -> bool:
            return await self.shown() is None

        await becomes(nothing)

    async def shows(self, status: str, reason: Reason | None = None) -> Shown:
        """The one resource, once it has this status and reason."""
        last: Shown | None = None

        async def same() -> bool:
            nonlocal last
            last = await self.shown()
            return last is not None and (last.status, last.reason) == (status, reason)

        try:
            await becomes(same)
        except TimeoutError:
            pytest.fail(f"not {status} with {reason}, but {last}")
        assert last is not None
        return last


@dataclass(frozen=True)
class OfKind(Shows):
    """What users see of the one resource of this kind."""

    kind: str

    async def shown(self) -> Shown | None:
        """The one resource."""
        of_it = text(f"{SHOWN.text} WHERE r.kind = :kind")
        async with self.database.read(API) as connection:
            found = read(Shown, await connection.execute(of_it, {"kind": self.kind}))
        return found[0] if found else None


@dataclass(frozen=True)
class Stage(Shows):
    """A database, a cluster that may be made to fail, and a reconciler between them."""

    simulator: RunningSimulator
    cluster: Cluster

    @asynccontextmanager
    async def running(self, *, watch: bool = True, **changed: object) -> AsyncIterator[Loop]:
        """Reconciles for the block; deadlines pass, and retries come, within a test."""
        quick = {
            "poll": 0.2,
            "starting_deadline": 1.0,
            "stopping_deadline": 1.0,
            "terminating_deadline": 1.0,
            "retry_longest": 1.0,
            "pod_unmade": 0.1,
            "pod_creating": 0.1,
            "database_starting_deadline": 1.0,
            "database_stopping_deadline": 1.0,
            "operator_silence": 0.3,
        }
        settings = Settings(**(quick | changed))  # type: ignore[arg-type]
        opened = await connect(self.simulator.kubeconfig, Bounds(2.0, rate=1000, burst=1000))
        resources = resources_of(self.database, opened, settings)
        watched = opened if watch else None
        try:
            async with running(self.database, resources.reconcile, settings, watched) as loop:
                yield loop
        finally:
            await opened.close()

    @asynccontextmanager
    async def faulty(self, *rules: Json) -> AsyncIterator[None]:
        """These faults are there for the block."""
        await self.call("PUT", "/simulator/faults", list(rules))
        try:
            yield
        finally:
            await self.call("DELETE", "/simulator/faults")

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the simulator for something: its answer."""
        headers = {"Authorization": f"Bearer {self.simulator.token}"}
        url = self.simulator.url + path
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, url, json=body, headers=headers, ssl=self.simulator.trust
            ) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json(content_type=None)

    async def project(self) -> tuple[Viewer, UUID]:
        """A new project with one sandbox, and whose it is."""
        viewer = await viewer_of(self.database)
        return viewer, await project_of(self.database, viewer)


def explains(found: Shown, said: str, culprit: str) -> None:
    """The words and the object are there, and since when, how often, and when again."""
    assert said in (found.message or "")
    assert (found.object or "").startswith(culprit)
    assert found.since is not None
    assert found.attempts > 0
