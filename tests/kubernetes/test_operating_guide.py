"""Every command of the operator's guide, as it stands there, from Postgres to a restored backup.

What nodes would run is run here beside the API server, with the environment and the arguments that
the pods have there: `mooring migrate`, the API, the reconciler as its ServiceAccount. Commands that
fetch other projects from the internet (```sh internet) are left out.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.domain import ids
from app.postgres import EmbeddedPostgres
from app.supervisor.ports import free_ports
from tests.acceptance.programs import program
from tests.acceptance.stack import PATIENCE, QUICK, Stack
from tests.acceptance.story import User, user_of
from tests.integration.world import becomes
from tests.kubernetes.plane import Json, Plane, cannot
from tests.postgres import open_folder

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide" / "operating.md"
NAMESPACE = "mooring-system"
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Of the namespaces of its accounts: at its end it takes these away, and nobody else's.
PREFIX = f"mooring-guide-{uuid4().hex[:6]}"
# In place of what only browsers and other clusters have.
HERE = {
    "MOORING_NAMESPACE_PREFIX": PREFIX,
    "MOORING_HOST": "127.0.0.1",
    "MOORING_SIGN_UP": '["PASSWORD"]',
    "MOORING_PASSWORD_SIGN_IN": "true",
    **{f"MOORING_{name.upper()}": value for name, value in QUICK.items()},
}


def blocks() -> dict[str, list[str]]:
    """The commands of each section."""
    parts = _SECTION.split(GUIDE.read_text())
    return {
        title: _BLOCK.findall(text) for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


class Reader:
    """The one shell of whoever reads the guide."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def follows(self, *commands: str) -> list[str]:
        """What each says; a command in it that fails is a failure."""
        return [await asyncio.to_thread(self._run, one) for one in commands]

    def _run(self, script: str) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(f'failed=\n{script}\necho; echo "== over $failed"\n')
        stdin.flush()
        said = ""
        for line in stdout:
            if line.startswith("== over"):
                assert line == "== over \n", f"{line}{script}\n{said}"
                return said
            said += line
        pytest.fail(f"the shell ended: {said}")


@contextmanager
def reading(folder: Path, **environment: str) -> Iterator[Reader]:
    """A shell in a folder with a copy of deploy/."""
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    process = subprocess.Popen(
        [program("bash", package="bash")],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdin
        process.stdin.write("set -E; trap 'failed=\"$failed $BASH_COMMAND\"' ERR\n")
        yield Reader(process)


class Installation:
    """What stands in the cluster, and its processes on this machine."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self._kubeconfig = kubeconfig
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self.stack = Stack(folder, {})

    def ask(self, *words: str) -> Any:
        """What kubectl finds."""
        said = self.kubectl("get", "-n", NAMESPACE, "-o", "json", *words)
        return json.loads(said)

    def kubectl(self, *words: str) -> str:
        """What kubectl says."""
        environment = os.environ | {"KUBECONFIG": str(self._kubeconfig)}
        return subprocess.run(
            ["kubectl", *words], env=environment, check=True, capture_output=True, text=True
        ).stdout

    def namespaces(self) -> list[str]:
        """All names in the cluster."""
        found = self.kubectl("get", "namespaces", "-o", "name").splitlines()
        return [name.removeprefix("namespace/") for name in found]

    def container(self, workload: str) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment of a workload's container, as its kubelet would have them."""
        [container] = self.ask(workload)["spec"]["template"]["spec"]["containers"]
        environment: dict[str, str] = {}
        for source in container["envFrom"]:
            if "configMapRef" in source:
                environment |= self.ask(f"configmap/{source['configMapRef']['name']}")["data"]
            else:
                data = self.ask(f"secret/{source['secretRef']['name']}")["data"]
                environment |= {k: base64.b64decode(v).decode() for k, v in data.items()}
        environment |= {one["name"]: one["value"] for one in container.get("env", ())}
        return container["args"], environment

    def runs(self, job: str) -> str:
        """What a Job's pod does, to its end."""
        arguments, environment = self.container(f"job/{job}")
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            env=_bare() | environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def orphans(self, *options: str) -> tuple[int, Json]:
        """What `mooring orphans` finds in the reconciler's pod: exit code and JSON."""
        _, environment = self.container("deployment/mooring-reconciler")
        mine = {"MOORING_KUBECONFIG": str(self._account())}
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "orphans", "--json", *options],
            env=_bare() | environment | HERE | mine,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout)

    @asynccontextmanager
    async def processes(self) -> AsyncIterator[Stack]:
        """API and reconciler run for the block, ready."""
        ports = dict(zip(("api", "reconciler"), free_ports(2), strict=True))
        mine = {
            "api": {"MOORING_PORT": str(ports["api"])},
            "reconciler": {
                "MOORING_HEALTH_PORT": str(ports["reconciler"]),
                "MOORING_KUBECONFIG": str(self._account()),
            },
        }
        running = [self._start(name, given) for name, given in mine.items()]
        self._write_ready(ports["api"])
        try:
            for name, process in zip(ports, running, strict=True):
                await self._ready(name, ports[name], process)
            yield self.stack
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait(PATIENCE)

    def _start(self, name: str, given: dict[str, str]) -> subprocess.Popen[bytes]:
        arguments, environment = self.container(f"deployment/mooring-{name}")
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "app.cli", *arguments],
                env=_bare() | environment | HERE | given,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    async def _ready(self, name: str, port: int, process: subprocess.Popen[bytes]) -> None:
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(PATIENCE):
            while True:
                log = (self._folder / f"{name}.log").read_text()
                assert process.poll() is None, log
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)

    def _account(self) -> Path:
        """A kubeconfig of the reconciler's ServiceAccount."""
        token = self.kubectl("create", "token", "mooring-reconciler", "-n", NAMESPACE).strip()
        tree = json.loads(self._kubeconfig.read_text())
        tree["users"] = [{"name": "test", "user": {"token": token}}]
        tree["contexts"][0]["context"] |= {"user": "test"}
        file = self._folder / "account.json"
        file.write_text(json.dumps(tree))
        return file

    def _write_ready(self, port: int) -> None:
        """What the user's side of a stack reads."""
        self.stack.data.mkdir(exist_ok=True)
        facts = {"url": f"http://127.0.0.1:{port}"}
        (self.stack.data / "ready.json").write_text(json.dumps(facts))


def _bare() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith("MOORING_")}


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A Postgres of the release that the machine's pg_dump is of."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        program("initdb", package="postgresql")
    folder = open_folder()
    with EmbeddedPostgres(folder, binaries=found[-1].parent, durable=False) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture
async def installation(plane: Plane, tmp_path: Path) -> AsyncIterator[Installation]:
    """Nothing stands yet, and nothing is left."""
    plane.needs_administrator()
    plane.needs_kubeblocks()
    for name in ("kubectl", "psql", "pg_dump", "jq", "openssl"):
        program(name, package=name)
    made = Installation(plane.credential(plane.tree["users"][0]["user"], "default"), tmp_path)
    if NAMESPACE in made.namespaces():
        cannot("a Mooring stands in this cluster already")
    yield made
    rendered = made.kubectl("kustomize", str(ROOT / "deploy" / "kubernetes" / "example"))
    (tmp_path / "rendered.yaml").write_text(rendered)
    made.kubectl(
        "delete", "--wait=false", "--ignore-not-found", "-f", str(tmp_path / "rendered.yaml")
    )
    ours = [name for name in made.namespaces() if name.startswith(f"{PREFIX}-")]
    if ours:
        made.kubectl("delete", "namespaces", "--wait=false", *ours)


async def finds(installation: Installation, resource: str) -> None:
    """It is told of as without a row, once it is old enough by the cluster's clock."""

    async def told() -> bool:
        _, found = await asyncio.to_thread(installation.orphans, "--grace", "1s")
        lost = found["objectsWithoutRows"]
        return resource in {one["id"] for one in lost if one["state"] == "REMOVABLE"}

    await becomes(told)


async def takes_away(installation: Installation, resource: str) -> None:
    """It goes once its number is told; that of another installation never does."""
    code, found = await asyncio.to_thread(
        installation.orphans, "--delete", "--grace", "1s", "--expect", "0"
    )
    assert (code, found["removed"]) == (1, [])
    number = str(found["removable"])
    options = ("--delete", "--grace", "1s", "--expect", number)
    _, removed = await asyncio.to_thread(installation.orphans, *options)
    assert resource in {one["id"] for one in removed["removed"] if one["objects"]}

    async def gone() -> bool:
        _, left = await asyncio.to_thread(installation.orphans)
        return resource not in {one["id"] for one in left["objectsWithoutRows"]}

    await becomes(gone)


async def sandboxes(user: User, project: str) -> list[str]:
    """The ids of a project's sandboxes, as the labels in the cluster have them."""
    query = "query ($id: ID!) { project(id: $id) { sandboxes { id } } }"
    answer = await user.ask(query, id=project)
    found = [ids.decode(one["id"]) for one in answer["data"]["project"]["sandboxes"]]
    return [str(one[1]) for one in found if one is not None]


async def status(user: User, project: str) -> str:
    answer = await user.ask("query ($id: ID!) { project(id: $id) { status } }", id=project)
    return str((answer["data"]["project"] or {"status": "gone"})["status"])


async def shows(user: User, project: str, wanted: str) -> None:
    async def same() -> bool:
        return await status(user, project) == wanted

    await becomes(same)


@pytest.mark.timeout(600)
async def test_every_command_of_the_operators_guide_does_what_it_says(
    server: EmbeddedPostgres, installation: Installation, plane: Plane, tmp_path: Path
) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    place = server.dsn("mooring", "nobody", "nothing").partition("@")[2]
    environment = {
        "KUBECONFIG": str(plane.credential(plane.tree["users"][0]["user"], "default")),
        "ADMIN_URL": server.admin_dsn(),
        "DATABASE": place,
        "GITHUB_ID": "an-id",
        "GITHUB_SECRET": "a-secret",
    }
    guide = blocks()

    with reading(folder, **environment) as reader:
        for section in ("Postgres", "Secrets", "Settings", "Install"):
            await reader.follows(*guide.pop(section))
        installation.runs("mooring-migrate")
        async with installation.processes() as stack, user_of(stack) as user:
            kept = await user.create()
            await shows(user, kept, "RUNNING")

        await reader.follows(*guide.pop("Upgrade"))
        installation.runs("mooring-migrate")
        dump, restore, migrate = guide.pop("Backup and restore")
        await reader.follows(dump)
        async with installation.processes() as stack, again(stack, user) as later:
            lost = await later.create()
            await shows(later, lost, "RUNNING")
            [theirs] = await sandboxes(later, lost)
            [ours] = await sandboxes(later, kept)
            await later.want("stop", kept)
            await shows(later, kept, "STOPPED")

        await reader.follows(restore, migrate)
        for job in ("restore-migrate", "restore-said"):
            installation.runs(job)
        async with installation.processes() as stack, again(stack, user) as once_more:
            await shows(once_more, kept, "RUNNING")
            assert await status(once_more, lost) == "gone"
            await finds(installation, theirs)
            assert ours not in json.dumps(installation.orphans()[1])
            await takes_away(installation, theirs)

        await reader.follows(*guide.pop("Keys"))
        assert "k1: seals" in installation.runs("keys-check")
        [waiting] = await reader.follows(*guide.pop("Accounts that do not go"))
        assert "(0 rows)" in waiting
    assert not any(guide.values()), "commands that no test follows"


@asynccontextmanager
async def again(stack: Stack, user: User) -> AsyncIterator[User]:
    """The same user at processes that were started anew."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        same = User(stack, http)
        same.token = user.token
        yield same
