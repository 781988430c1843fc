"""Operators' commands that change rows: as the owner of the database, and as nobody else."""

from app.db import roles
from app.db.session import Database
from app.services import accounts
from tests.integration.world import viewer_of
from tests.mooring import mooring
from tests.postgres import as_role


async def test_only_an_account_that_is_to_go_is_forgotten(database: Database, url: str) -> None:
    viewer = await viewer_of(database)

    alive = await mooring(url, "forget", viewer.login)
    async with database.begin(viewer) as session:
        await accounts.delete(session, viewer)
    going = await mooring(url, "forget", viewer.login)

    assert alive == (1, "", "No account of ada is being deleted\n")
    assert going[0] == 0
    assert going[1].startswith("0 resources are forgotten")


async def test_another_role_than_the_owner_is_told_so(url: str) -> None:
    code, out, err = await mooring(as_role(url, roles.API), "restored")

    assert (code, out) == (1, "")
    assert "has to be the owner's" in err
    assert "Traceback" not in err
