"""What runs stand on, made once: a server with a template, an event loop, a socket."""

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import structlog

from app.db import migrations, roles
from app.postgres import EmbeddedPostgres
from tests.postgres import PASSWORDS, Databases, make_database
from tests.simulation.ledger import PREPARE
from tests.simulation.loop import SteppedLoop
from tests.simulation.world import Ground

_TEMPLATE = "mooring_simulation"


@contextmanager
def opened(server: EmbeddedPostgres) -> Iterator[Ground]:
    """The ground for the block."""
    # What goes wrong here was asked for.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(_make_template(server))
    loop = SteppedLoop()
    with tempfile.TemporaryDirectory() as folder:
        made = Ground(loop, server, Databases(server, _TEMPLATE), Path(folder))
        loop.run_until_complete(made.open())
        try:
            yield made
        finally:
            loop.run_until_complete(made.close())
            loop.run_until_complete(made.databases.close())
            loop.close()


async def _make_template(server: EmbeddedPostgres) -> None:
    url = await make_database(server, _TEMPLATE)
    await migrations.upgrade(url)
    assert await roles.ensure(url, PASSWORDS)
    connection = await asyncpg.connect(url)
    await connection.execute(PREPARE)
    await connection.close()
