"""One id from the mutation to the API call, through the logs of both processes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg

from tests.acceptance.stack import PATIENCE, Stack
from tests.acceptance.story import user_of
from tests.integration.world import becomes

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CREATE = 'mutation { createProject(input: {name: "traced", databases: []}) { project { id } } }'


def lines_of(stack: Stack, process: str) -> list[dict[str, Any]]:
    """What a process said of that request."""
    whole = stack.log(process).rpartition("\n")[0]  # what is being written is no line yet
    said = [line for line in whole.splitlines() if TRACE in line]
    return [json.loads(line) for line in said]


async def test_the_id_of_a_mutation_is_in_the_line_of_each_write_to_the_cluster(
    stack: Stack,
) -> None:
    async with user_of(stack) as user:
        headers = {
            "Authorization": f"Bearer {user.token}",
            "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
        }
        answer = await user.http.post(stack.graphql_url, json={"query": CREATE}, headers=headers)

        assert answer.headers["X-Trace-Id"] == TRACE
        async with asyncio.timeout(PATIENCE):
            while not (writes := written(stack)):
                await asyncio.sleep(0.1)

    asked = [line for line in lines_of(stack, "api") if line["event"] == "work is asked for"]
    assert [line["trace_id"] for line in asked] == [TRACE]
    assert writes[0]["resource"] in str(asked[0]["changes"])
    assert writes[0]["answer"] == "ok"
    assert writes[0]["ms"] > 0


def written(stack: Stack) -> list[dict[str, Any]]:
    """The lines of StatefulSets that were applied for it."""
    return [
        line
        for line in lines_of(stack, "reconciler")
        if line["event"] == "the cluster was asked"
        and line["verb"] == "apply"
        and "/statefulsets/" in line["path"]
    ]


async def test_postgres_knows_each_process_by_its_name(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.owner_url)
    names: set[str] = set()

    async def known() -> bool:
        # One that was started anew is there a moment later, and the one before it may still be.
        nonlocal names
        found = await connection.fetch("SELECT application_name FROM pg_stat_activity")
        names = {row["application_name"] for row in found}
        return all(
            any(
                name.startswith(f"mooring-{process} ") and name.endswith(f"/{stack.pid(process)}")
                for name in names
            )
            for process in ("api", "reconciler")
        )

    await becomes(known, PATIENCE)
    await connection.close()
