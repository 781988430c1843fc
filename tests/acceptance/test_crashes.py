"""A sandbox, and a kubeconfig, that kill every reconciler that looks, and those beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.stack import running_stack
from tests.acceptance.story import User, user_of
from tests.acceptance.test_own_cluster import SET, STATE, until
from tests.integration.world import becomes
from tests.kubeconfigs import changed, good

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
# Five processes start and end one after the other.
LONG = 240.0
_CREATE = """mutation ($name: String!, $sandbox: String!) { createProject(input: {
  name: $name, sandboxes: [{name: $sandbox}], databases: []}) { project { id } } }"""
_SEEN = """{ projects(first: 50) { nodes { name sandboxes {
  id status why { reason message } } } } }"""


async def seen(user: User) -> dict[str, tuple[str, str | None, str | None]]:
    """Status, reason and message of the sandbox of each project, by the project's name."""
    answer = await user.ask(_SEEN)
    found = {}
    for project in answer["data"]["projects"]["nodes"]:
        [sandbox] = project["sandboxes"]
        why = sandbox["why"] or {}
        found[project["name"]] = (sandbox["status"], why.get("reason"), why.get("message"))
    return found


async def shows(user: User, name: str, status: str, reason: str | None) -> str | None:
    """Wait for it; the message."""
    now: tuple[str, str | None, str | None] | None = None

    async def same() -> bool:
        nonlocal now
        now = (await seen(user))[name]
        return now[:2] == (status, reason)

    await becomes(same, LONG, every=0.2)
    assert now is not None
    return now[2]


async def test_a_row_that_kills_real_reconcilers_is_found_and_heals_once_it_is_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "deadly"))
    monkeypatch.setenv("DEADLY_FOLDER", str(tmp_path))
    with running_stack(
        lease="2", lease_margin="0.5", pass_timeout="1", crashed_retry="60"
    ) as stack:
        async with user_of(stack) as user:
            deadly = await user.ask(_CREATE, name="deadly", sandbox="deadly")
            for number in range(8):
                await user.ask(_CREATE, name=f"beside-{number}", sandbox="app")

            message = await shows(user, "deadly", "ERROR", "WorkerCrashed")
            # Before it is tried again.
            deaths = stack.screen.count("reconciler was killed by SIGKILL")
            for number in range(8):
                await shows(user, f"beside-{number}", "RUNNING", None)
            changes = await user.ask(
                "{ projects(first: 50) { nodes { history(first: 100) { nodes {"
                " subjectName reason } } } } }"
            )
            (tmp_path / "healed").touch()
            project = deadly["data"]["createProject"]["project"]["id"]
            await user.ask(
                "mutation ($id: ID!) { retryProject(id: $id) { project { id } } }", id=project
            )
            await shows(user, "deadly", "RUNNING", None)

    blamed = {
        line["subjectName"]
        for node in changes["data"]["projects"]["nodes"]
        for line in node["history"]["nodes"]
        if line["reason"] == "WorkerCrashed"
    }
    assert message is not None
    assert message.startswith("5 looks at it ended with their worker")
    assert blamed - {"deadly"} == set()
    assert deaths == 5


async def test_a_kubeconfig_that_kills_real_reconcilers_is_found_and_looked_at_once_it_is_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "deadly"))
    monkeypatch.setenv("DEADLY_FOLDER", str(tmp_path))
    where = good("https://127.0.0.2:1")
    kubeconfig = changed(where, "contexts", 0, "context", "namespace", to="deadly")
    with running_stack(
        lease="2",
        lease_margin="0.5",
        pass_timeout="1",
        crashed_retry="60",
        kubeconfig_allowed_networks='["127.0.0.2/32"]',
    ) as stack:
        async with user_of(stack) as user:
            await user.ask(_CREATE, name="beside", sandbox="app")
            await user.ask(SET, input={"kubeconfig": json.dumps(kubeconfig)})

            crashed = {"state": "CHECKING", "reason": "WorkerCrashed"}
            found = await until(user, STATE, crashed, LONG)
            deaths = stack.screen.count("reconciler was killed by SIGKILL")
            await shows(user, "beside", "RUNNING", None)
            (tmp_path / "healed").touch()
            checked = await user.ask("mutation { checkKubeconfig { kubeconfig { state reason } } }")
            away = {"state": "CHECKING", "reason": "ClusterUnavailable"}
            await until(user, STATE, away, LONG)

    assert found["message"].startswith("5 looks at it ended with their worker")
    assert checked["data"]["checkKubeconfig"]["kubeconfig"]["reason"] == "WorkerCrashed"
    assert deaths == 5
