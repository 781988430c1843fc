"""Operators' commands that change rows: as the owner of the database, and as nobody else."""

import asyncio
import os
import sys

from app.db import roles
from app.db.session import Database
from app.services import accounts
from tests.integration.world import viewer_of
from tests.postgres import as_role


async def run(url: str, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", *arguments),
        env={**os.environ, "MOORING_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_only_an_account_that_is_to_go_is_forgotten(database: Database, url: str) -> None:
    viewer = await viewer_of(database)

    alive = await run(url, "forget", viewer.login)
    async with database.begin(viewer) as session:
        await accounts.delete(session, viewer)
    going = await run(url, "forget", viewer.login)

    assert alive == (1, "", "No account of ada is being deleted\n")
    assert going[0] == 0
    assert going[1].startswith("0 resources are forgotten")


async def test_another_role_than_the_owner_is_told_so(url: str) -> None:
    code, out, err = await run(as_role(url, roles.API), "restored")

    assert (code, out) == (1, "")
    assert "has to be the owner's" in err
    assert "Traceback" not in err
