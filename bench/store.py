"""Postgres with Mooring's schema and roles and nothing else: for figures of the engine alone.

As `mooring dev` has it, fsync included. Rows come by the real verbs; many of one form are copies.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from app.db import migrations, roles
from app.db.session import Database
from app.domain.viewer import Viewer
from app.postgres import EmbeddedPostgres
from app.services import projects
from app.services.projects import NewProject
from app.services.sandboxes import NewSandbox
from tests.integration.world import MAKERS, viewer_of
from tests.postgres import PASSWORDS, as_role, make_database, open_folder

PER_PROJECT = 20

_COPIED = """
WITH made AS (
  INSERT INTO resource (id, account_id, project_id, kind, name, desired_state, generation,
    desired_generation, project_generation, phase, was_ready, observed_generation, lane, due_at)
  SELECT gen_random_uuid(), r.account_id, r.project_id, r.kind, r.name || '-' || n, r.desired_state,
    r.generation, r.desired_generation, r.project_generation, 'running', true, r.generation, 2,
    mooring_now() + interval '1 hour' + n * interval '10 ms'
  FROM resource r, generate_series($2::int + 1, $3::int) n WHERE r.id = $1 RETURNING id, name)
INSERT INTO sandbox (id, account_id, k8s_namespace, k8s_name, project_name, image, cpu, memory,
  storage, ttyd_user, ttyd_password)
SELECT made.id, s.account_id, s.k8s_namespace, s.k8s_name || '-' || made.name, s.project_name,
  s.image, s.cpu, s.memory, s.storage, s.ttyd_user, s.ttyd_password
FROM sandbox s, made WHERE s.id = $1
"""


@dataclass(frozen=True)
class Store:
    """One database: URLs of its owner and of the reconciler's role."""

    owner: str
    reconciler: str

    async def sandboxes(self, count: int, accounts: int) -> list[Viewer]:
        """So many, asked for just now, in projects of 20 of so many users; the users."""
        database = Database(self.owner, pool=2)
        try:
            users = [await viewer_of(database, f"user-{number}") for number in range(accounts)]
            for number in range(0, count, PER_PROJECT):
                size = min(PER_PROJECT, count - number)
                asked = tuple(NewSandbox(f"s{n}") for n in range(size))
                new = NewProject(f"p{number}", sandboxes=asked, databases=())
                user = users[number // PER_PROJECT % accounts]
                async with database.begin(user) as session:
                    await projects.create(session, user, MAKERS, new)
        finally:
            await database.close()
        return users

    async def settled(self, before: int, count: int) -> None:
        """So many, copies of one, that are as wanted and not due for an hour; `before` are there
        already."""
        owner = await asyncpg.connect(self.owner)
        try:
            one = await owner.fetchval("SELECT id FROM resource ORDER BY id LIMIT 1")
            await owner.execute(_COPIED, one, before, count)
            await owner.execute("VACUUM ANALYZE")
        finally:
            await owner.close()


@asynccontextmanager
async def opened_store() -> AsyncIterator[Store]:
    """A server of its own for the block."""
    folder = open_folder()
    try:
        with EmbeddedPostgres(folder) as server:
            owner = await make_database(server, "mooring")
            await migrations.upgrade(owner)
            await roles.ensure(owner, PASSWORDS)
            yield Store(owner, as_role(owner, roles.RECONCILER))
    finally:
        shutil.rmtree(folder)
