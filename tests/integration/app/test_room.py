"""The limit of 20 resources of a kind holds however many ask at once."""

import asyncio

import pytest

from app.db.session import Database
from app.domain.errors import InvalidInput
from app.domain.states import ResourceKind
from app.services import resources
from app.services.databases import NewDatabase
from app.services.sandboxes import NewSandbox
from tests.integration.world import MAKERS, project_of, viewer_of


@pytest.mark.parametrize("kind", ResourceKind)
async def test_of_thirty_at_once_as_many_are_made_as_there_is_room_for(
    database: Database, kind: ResourceKind
) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async def one(number: int) -> str:
        async with database.begin(viewer) as session:
            if kind == ResourceKind.SANDBOX:
                new = NewSandbox(f"s{number}")
                await resources.create(session, viewer, MAKERS.sandboxes, project, new)
            else:
                other = NewDatabase(f"d{number}")
                await resources.create(session, viewer, MAKERS.databases, project, other)
        return "made"

    results = await asyncio.gather(*(one(n) for n in range(30)), return_exceptions=True)

    refused = [r for r in results if isinstance(r, InvalidInput)]
    # The project has one sandbox from its creation.
    room = 19 if kind == ResourceKind.SANDBOX else 20
    assert results.count("made") == room
    assert len(refused) == 30 - room
    assert {p.code for r in refused for p in r.problems} == {"NOT_ALLOWED"}


async def test_of_ten_of_one_name_at_once_one_is_made(database: Database) -> None:
    viewer = await viewer_of(database)
    project = await project_of(database, viewer)

    async def one() -> str:
        async with database.begin(viewer) as session:
            new = NewSandbox("same")
            await resources.create(session, viewer, MAKERS.sandboxes, project, new)
        return "made"

    results = await asyncio.gather(*(one() for _ in range(10)), return_exceptions=True)

    refused = [r for r in results if isinstance(r, InvalidInput)]
    assert results.count("made") == 1
    assert {p.code for r in refused for p in r.problems} == {"TAKEN"}
    assert len(refused) == 9
