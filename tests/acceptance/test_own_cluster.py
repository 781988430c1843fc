"""A user's own cluster, through the real processes in their own roles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.acceptance.stack import PATIENCE, running_stack
from tests.acceptance.story import User, user_of
from tests.simulator import RunningSimulator, running_simulator

SET = """mutation ($input: KubeconfigInput!) { setKubeconfig(input: $input) {
  kubeconfig { server state } errors { message } } }"""
STATE = "{ kubeconfig { state reason message user missingPermissions } }"
CREATE = """mutation { createProject(input: {name: "there"}) {
  project { id } errors { message } } }"""
SEEN = """query ($id: ID!) { project(id: $id) { status
  sandboxes { k8sNamespace } databases { endpoint { host } } } }"""


@pytest_asyncio.fixture
async def theirs(tmp_path: Path) -> AsyncIterator[RunningSimulator]:
    """The user's cluster."""
    async with running_simulator(tmp_path, "--host", "127.0.0.2") as running:
        yield running


async def until(
    user: User,
    document: str,
    wanted: dict[str, Any],
    patience: float = PATIENCE,
    **variables: object,
) -> Any:
    """The answer's one field, once it shows what is wanted."""
    found: Any = None
    try:
        async with asyncio.timeout(patience):
            while True:
                [found] = (await user.ask(document, **variables))["data"].values()
                if found is not None and wanted.items() <= found.items():
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"not {wanted}, but {found}")


async def test_a_project_runs_in_the_users_own_cluster(theirs: RunningSimulator) -> None:
    kubeconfig = json.loads(theirs.kubeconfig.read_text())
    with running_stack(kubeconfig_allowed_networks='["127.0.0.2/32"]') as stack:
        async with user_of(stack) as user:
            given = json.dumps(kubeconfig)
            made = await user.ask(SET, input={"kubeconfig": given})
            ready = await until(user, STATE, {"state": "READY"})
            created = await user.ask(CREATE)
            project = created["data"]["createProject"]["project"]["id"]
            seen = await until(user, SEEN, {"status": "RUNNING"}, id=project)
            operators = json.dumps(json.loads(stack.kubeconfig.read_text()))
            refused = await user.ask(SET, input={"kubeconfig": operators})

    token = kubeconfig["users"][0]["user"]["token"]
    assert made["data"]["setKubeconfig"]["errors"] == []
    assert (ready["user"], ready["missingPermissions"]) == ("mooring-simulator", [])
    assert seen["sandboxes"] == [{"k8sNamespace": "mooring"}]
    assert seen["databases"][0]["endpoint"]["host"].endswith(".mooring.svc")
    assert refused["data"]["setKubeconfig"]["kubeconfig"] is None
    assert "loopback" in refused["data"]["setKubeconfig"]["errors"][0]["message"]
    assert token not in stack.log("api") + stack.log("reconciler")
