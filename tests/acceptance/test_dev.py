"""`mooring dev` as a person meets it: started, interrupted, killed, started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.postgres.orphans import is_zombie
from tests.acceptance.stack import PATIENCE, Stack, gone, processes_of, running_stack
from tests.acceptance.story import Follower, user_of

# Proxy variables of the machine are not for our own process.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def own() -> Iterator[Stack]:
    """A stack that this test may break."""
    with running_stack() as running:
        yield running


def ask(stack: Stack, document: str, variables: dict[str, Any], token: str = "") -> Any:
    request = urllib.request.Request(
        stack.graphql_url,
        json.dumps({"query": document, "variables": variables}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        if token
        else {"Content-Type": "application/json"},
    )
    with DIRECT.open(request, timeout=30) as answer:
        return json.load(answer).get("data")  # none while Postgres is away


def signed_in(stack: Stack) -> str:
    credentials = ask(
        stack,
        "mutation ($i: SignInInput!) { signIn(input: $i) { credentials { accessToken } } }",
        {"i": {"login": stack.ready["login"], "password": stack.ready["password"]}},
    )["signIn"]["credentials"]
    return str(credentials["accessToken"])


def test_the_screen_says_what_runs_and_how_to_stop(stack: Stack) -> None:
    screen = stack.screen

    assert f"{stack.url}/graphql" in screen
    assert f"login dev, password {stack.ready['password']}" in screen
    assert f"embedded PostgreSQL in {stack.data}" in screen
    assert "no pod really runs" in screen
    assert str(stack.data) in screen
    assert "Ctrl-C" in screen
    assert signed_in(stack)


def test_secrets_are_for_their_owner_alone(stack: Stack) -> None:
    files = [*(stack.data / "keys").iterdir(), stack.data / "ready.json"]

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}

    assert set(modes) >= {"token-key", "secret-keys", "owner-password", "api-password"}
    assert set(modes.values()) == {0o600}


async def test_processes_connect_as_roles_that_are_no_superusers(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.owner_url)

    expected = {"mooring", "mooring_api", "mooring_reconciler"}
    async with asyncio.timeout(PATIENCE):
        while True:  # the reconciler may connect a little later than the API
            rows = await connection.fetch(
                "SELECT DISTINCT usename, rolsuper FROM pg_stat_activity"
                " JOIN pg_roles ON rolname = usename WHERE datname = current_database()"
            )
            assert not any(row["rolsuper"] for row in rows)
            if {row["usename"] for row in rows} == expected:
                break
            await asyncio.sleep(0.1)
    await connection.close()


def test_a_second_start_on_the_same_data_is_refused(stack: Stack) -> None:
    second = dev(MOORING_DATA_DIR=str(stack.data), MOORING_PORT="0")

    assert second.returncode == 1
    assert f"mooring dev already runs on {stack.data} (process {stack.dev.pid})" in second.stdout
    assert "MOORING_DATA_DIR" in second.stdout
    assert (stack.data / "ready.json").exists()


def test_ctrl_c_stops_everything_and_the_next_start_goes_on(own: Stack) -> None:
    token = signed_in(own)
    kubeconfig = own.kubeconfig
    create = "mutation ($i: CreateProjectInput!) { createProject(input: $i) { project { id } } }"
    project = ask(own, create, {"i": {"name": "Kept"}}, token)["createProject"]["project"]

    children = own.ready["processes"]

    own.dev.send_signal(signal.SIGINT)
    order = ends(children)

    assert own.dev.wait(PATIENCE) == 0
    assert order == ENDS
    assert set(children) == set(ENDS)
    assert gone(own.folder) == []
    assert not (own.data / "ready.json").exists()

    own.start()

    names = ask(own, "{ projects(first: 10) { nodes { id name } } }", {}, token)["projects"]
    assert names["nodes"] == [{"id": project["id"], "name": "Kept"}]
    assert own.kubeconfig == kubeconfig


ENDS = ["reconciler", "api", "simulator", "postgres"]


def ends(children: dict[str, int]) -> list[str]:
    """The names in the order in which they end, as seen by one who looks all the time."""
    order: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while len(order) < len(children) and time.monotonic() < deadline:
        # Who does not get to look for a while sees several at once. The last to end are looked at
        # first: where one of them has ended, so have those before it.
        found = [name for name in ENDS[::-1] if name not in order and ended(children[name])]
        order += reversed(found)
        time.sleep(0.001)
    return order


def ended(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or is_zombie(pid)


@pytest.mark.faults
def test_kill_9_of_the_parent_leaves_no_orphan_and_no_harm(own: Stack) -> None:
    token = signed_in(own)

    own.dev.kill()
    own.dev.wait()

    own.start()  # at once: it waits for the rest of the first to end
    ours = set(own.ready["processes"].values()) | {own.dev.pid}
    # Postgres gives each of its processes a session of its own.
    strangers = {pid for pid in processes_of(own.folder) if not ours & {pid, parent_of(pid)}}
    assert strangers == set()
    assert ask(own, "{ me { login } }", {}, token) == {"me": {"login": "dev"}}

    own.dev.kill()
    own.dev.wait()

    assert gone(own.folder) == []


@pytest.mark.parametrize("name", ["reconciler", "api", "simulator", "postgres"])
async def test_a_child_that_dies_is_named_and_started_again(stack: Stack, name: str) -> None:
    token = signed_in(stack)

    await stack.kill(name, signal.SIGKILL)

    assert f"{name} was killed by SIGKILL; starting it again in 0.5 s" in stack.screen
    await answers_again(stack, token)


async def answers_again(stack: Stack, token: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            assert ask(stack, "{ me { login } }", {}, token) == {"me": {"login": "dev"}}
        except (OSError, AssertionError):
            assert time.monotonic() < deadline
        else:
            return


def test_a_port_in_use_is_said_and_the_next_one_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with running_stack(port=str(port)) as running:
            assert f"port {port} is in use" in running.screen
            assert running.url != f"http://127.0.0.1:{port}"


async def test_what_is_exported_for_other_programs_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nowhere = "http://127.0.0.1:9"
    strangers = {
        **{"KUBECONFIG": "/production", "DATABASE_URL": "postgresql://production/x"},
        **{"PGHOST": "production", "PGPORT": "1", "PGUSER": "root", "PGSSLMODE": "verify-full"},
        **{"http_proxy": nowhere, "HTTP_PROXY": nowhere, "all_proxy": nowhere},
    }
    for name, value in strangers.items():
        monkeypatch.setenv(name, value)

    with running_stack() as running:
        assert "no pod really runs" in running.screen
        async with user_of(running) as user, asyncio.TaskGroup() as group:
            project = await user.create()
            follower = Follower(user, project)
            group.create_task(follower.run())
            await follower.reaches("RUNNING")
            await user.want("delete", project)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PORT", "http", "MOORING_PORT: "),
        ("KUBECONFIG", "/no/such/file", "kubeconfig /no/such/file cannot be read"),
        ("KUBECONFIG", "/dev/null", "kubeconfig /dev/null has no current context"),
        ("DATABASE_URL", "nonsense", "give postgresql://user:password@host:5432/name"),
        ("DATABASE_URL", "postgresql://a:secret@127.0.0.1:1/x", "x on 127.0.0.1:1 does not let us"),
        ("HOST", "no.such.host.invalid", "MOORING_HOST: no.such.host.invalid"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    tmp_path: Path, setting: str, value: str, said: str
) -> None:
    answer = dev(MOORING_DATA_DIR=str(tmp_path), **{f"MOORING_{setting}": value})

    assert answer.returncode == 1
    assert said in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert "secret" not in answer.stdout + answer.stderr


def dev(**environment: str) -> subprocess.CompletedProcess[str]:
    """A `mooring dev` that is to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "dev"],
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def parent_of(pid: int) -> int:
    """The parent's process id (proc(5): the fourth field of stat, after the name)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
