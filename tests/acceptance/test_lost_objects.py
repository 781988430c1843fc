"""`mooring orphans` as an operator runs it, with the environment of the reconciler's process."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import uuid4

import asyncpg

from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.manifests.identity import INSTALLATION, MANAGED_BY, MANAGER, RESOURCE
from reconciler.manifests.kinds import SERVICE
from tests.acceptance.stack import Stack


async def orphans(stack: Stack, *options: str) -> tuple[int, str]:
    """The exit code, and what it says."""
    mine = {name: text for name, text in os.environ.items() if not name.startswith("MOORING_")}
    theirs = dict(stack.ready["programs"]["reconciler"]["env"])
    theirs.pop("MOORING_PARENT_PIPE", None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "orphans", *options),
        env=mine | theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode() + err.decode()


async def test_an_object_that_no_row_knows_is_told_of_and_removed(stack: Stack) -> None:
    database = await asyncpg.connect(stack.owner_url)
    mark = await database.fetchval("SELECT mark FROM installation")
    await database.close()
    name, owner = f"lost-{uuid4().hex[:8]}", str(uuid4())
    labels = {MANAGED_BY: MANAGER, RESOURCE: owner, INSTALLATION: str(mark)}
    meta = {"name": name, "namespace": "default", "labels": labels}
    spec = {"ports": [{"port": 80}]}
    cluster = await connect(stack.kubeconfig, Bounds(10, rate=100, burst=100))
    try:
        await cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})

        code, said = await orphans(stack, "--grace", "0s", "--delete", "--expect", "1")

        assert code == 0, said
        assert f"Installation {mark}" in said
        assert [line for line in said.splitlines() if name in line and line.endswith(owner)]
        assert f"Removed: Resource default/{name} (Service/{name})" in said
        assert await cluster.get(SERVICE, "default", name) is None
    finally:
        await cluster.close()
