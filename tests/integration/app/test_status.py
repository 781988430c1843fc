"""`mooring status`, as an operator runs it, and what it reads."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app import status
from app.db import claims, roles
from app.db.engine import Process
from app.db.session import Database
from app.domain.states import Lane
from app.domain.viewer import API, RECONCILER
from tests.integration.world import project_of, viewer_of
from tests.mooring import mooring
from tests.postgres import as_role

THEIRS = "https://theirs.example:6443"


async def written(database: Database, statement: str) -> None:
    async with database.begin(API) as session:
        await session.execute(text(statement))


async def read(url: str) -> Any:
    """What `mooring status --json` says."""
    code, out, err = await mooring(url, "status", "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


async def test_it_says_what_is_due_who_works_and_what_holds_up(
    database: Database, url: str
) -> None:
    viewer = await viewer_of(database)
    for name in ("shop", "blog", "wiki"):
        await project_of(database, viewer, name)
    refused = "phase = 'starting', failed_generation = 1, observed_generation = 1, reason ="
    await written(
        database,
        f"""UPDATE resource SET {refused} 'QuotaExceeded', since = mooring_now() - interval '2 h',
        object = 'ResourceQuota/mooring', lane = 2, due_at = mooring_now() + interval '1 min'
        WHERE id IN (SELECT s.id FROM sandbox s WHERE s.project_name = 'shop')""",
    )
    await written(
        database,
        f"UPDATE sandbox SET k8s_server = '{THEIRS}' WHERE project_name = 'wiki'",
    )
    worker = Database(
        as_role(url, roles.RECONCILER), pool=2, process=Process("reconciler", "node-1/7")
    )
    async with worker.autocommit(RECONCILER) as connection:
        held, _ = await claims.claim(
            connection,
            lane=Lane.ASKED,
            after=UUID(int=0),
            slots=1,
            saturated=[],
            lease=timedelta(seconds=30),
            worker="node-1/7",
        )

        as_owner, as_reconciler = await read(url), await read(as_role(url, roles.RECONCILER))
        code, out, err = await mooring(url, "status")
    await worker.close()

    assert len(held) == 1
    asked = as_owner["queue"]["asked"]
    assert (asked["due"], asked["claimed"]) == (1, 1)
    assert 0 < asked["oldest"] < 60
    mine = next(one for one in as_owner["workers"] if one["name"] == "node-1/7")
    assert (mine["process"], mine["leases"], mine["connections"]) == ("reconciler", 1, 1)
    seen = next(one for one in as_reconciler["workers"] if one["name"] == "node-1/7")
    assert seen["seen"] is not None
    places = {place["server"]: place for place in as_owner["places"]}
    assert (places[None]["resources"], places[None]["errors"]) == (2, 1)
    assert places[THEIRS]["resources"] == 1
    assert [(one["reason"], one["resources"]) for one in as_owner["troubles"]] == [
        ("QuotaExceeded", 1)
    ]
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "3 resources, 1 due" in lines[0]
    assert any(line.split()[:4] == ["asked", "1", "1", asked_age(out)] for line in lines)
    assert any(line.startswith("reconciler node-1/7") for line in lines)
    assert "ResourceQuota/mooring" in out
    assert "2 h ago" in out


def asked_age(out: str) -> str:
    """The fourth word of the line of the asked lane."""
    return next(line.split()[3] for line in out.splitlines() if line.startswith("asked"))


async def test_a_worker_that_is_gone_is_shown_while_it_holds_leases(
    database: Database, url: str
) -> None:
    await project_of(database, await viewer_of(database))
    await written(
        database,
        "UPDATE resource SET locked_by = 'gone/1', locked_until = mooring_now() + interval '30 s'",
    )

    found = status.as_text(await status.read(url))

    line = next(line for line in found.splitlines() if "gone/1" in line)
    assert line.split() == ["reconciler", "gone/1", "1", "gone"]


async def test_an_empty_installation_without_a_reconciler_says_so(url: str) -> None:
    found = status.as_text(await status.read(url))

    assert "0 resources, 0 due" in found
    assert "no reconciler is connected" in found
    assert "No resource has a reason" in found


async def test_the_api_s_role_is_told_whose_url_it_takes(database: Database, url: str) -> None:
    await project_of(database, await viewer_of(database))

    code, out, err = await mooring(as_role(url, roles.API), "status")

    assert (code, out) == (1, "")
    assert "the owner's or the reconciler's" in err
    assert "Traceback" not in err


async def test_a_postgres_that_is_away_is_said_in_a_line() -> None:
    code, out, err = await mooring("postgresql://nobody:secret@127.0.0.1:1/mooring", "status")

    assert (code, out) == (1, "")
    assert "mooring on nobody@127.0.0.1:1" in err or "does not let us in" in err
    assert "secret" not in err
    assert len(err.splitlines()) == 1


def test_a_name_from_a_cluster_cannot_move_the_cursor() -> None:
    assert status._cell("Pod/\x1b[2Jx") == "Pod/?[2Jx"
