"""No secret leaves by another door than its own: canaries in all, and every output searched.

A running `mooring dev` is driven as users and programs drive it, wrongly too. Searched are: every
answer and event, the logs of all processes, their arguments, the statements that Postgres shows as
running, every column of every table, the objects of the cluster that are no Secrets, and what the
operator's commands print. A secret may be in the answer of the one mutation that shows it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import websockets
from websockets import Subprotocol

from app.db.sealed import SEALED
from app.secrets.keyring import KeyRing
from app.supervisor.database import with_role
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.manifests.kinds import KINDS, POD, SECRET
from tests.acceptance.canaries import Canaries
from tests.acceptance.stack import PATIENCE, Stack, processes_of, running_stack
from tests.integration.world import becomes
from tests.kubeconfigs import changed, good
from tests.sealos import signed

BOUNDS = Bounds(10, 1000, 1000)
EVENTS = """subscription { projectsChanged { kind project { name status
  sandboxes { name ttydUrl } databases { name host } } change { action message } } }"""


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    """All of them."""
    return Canaries()


@pytest.fixture(scope="module")
def stack(canaries: Canaries) -> Iterator[Stack]:
    """A stack of its own, in whose logs nobody else writes, with an operator's secrets."""
    openid = {
        "issuer": "https://id.example.com",
        "client_id": "mooring",
        "client_secret": canaries.plant("OpenID client secret"),
    }
    with running_stack(
        sign_up='["PASSWORD", "SEALOS"]',
        public_url="http://localhost:8000",
        github_client_id="mooring",
        github_client_secret=canaries.plant("GitHub client secret"),
        openid_providers=json.dumps({"ELSEWHERE": openid}),
        sealos_jwt_secrets=canaries.plant("Sealos secret") + "0" * 8,
    ) as running:
        yield running


class Driver:
    """One user, whose every answer is kept with where it came from and what may be in it."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, canaries: Canaries) -> None:
        self.stack = stack
        self.http = http
        self.canaries = canaries
        self.token = ""
        self.outputs: list[tuple[str, str | bytes, tuple[str, ...]]] = []

    async def ask(self, document: str, *shows: str, **variables: object) -> Any:
        """What may go wrong; `shows` are the canaries that this answer is there to show."""
        return await self.post({"query": document, "variables": variables}, *shows)

    async def got(self, document: str, *shows: str, **variables: object) -> Any:
        """The data of what goes right."""
        answer = await self.ask(document, *shows, **variables)
        assert not answer.get("errors"), answer["errors"]
        return answer["data"]

    async def post(self, body: object, *shows: str, **headers: str) -> Any:
        sent = headers or ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        answer = await self.http.post(self.stack.graphql_url, json=body, headers=sent)
        what = body.get("query") if isinstance(body, dict) else body
        self.keep(f"the answer to {str(what)[:80]}", answer.content, *shows)
        self.keep("the headers of an answer", str(answer.headers))
        return answer.json()

    async def get(self, path: str) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.http.get(self.stack.url + path, headers=headers)
        self.keep(path, answer.content)

    def keep(self, where: str, content: str | bytes, *shows: str) -> None:
        self.outputs.append((where, content, shows))


async def signed_up(driver: Driver) -> None:
    """A user, and what goes wrong at the door."""
    password = driver.canaries.plant("password")
    who = {"login": "canary", "password": password}
    answer = await driver.got(
        "mutation ($i: SignUpInput!) { signUp(input: $i) { credentials {"
        " accessToken refreshToken } } }",
        "access token",
        "refresh token",
        i=who,
    )
    token = answer["signUp"]["credentials"]["accessToken"]
    driver.canaries.know("access token", token)
    refresh = driver.canaries.know("refresh token", answer["signUp"]["credentials"]["refreshToken"])
    wrong = driver.canaries.plant("wrong password")
    enter = "mutation ($i: SignInInput!) { signIn(input: $i) { credentials { expiresAt } } }"
    again = "mutation ($i: SignUpInput!) { signUp(input: $i) { errors { message } } }"
    await driver.ask(enter, i=who | {"password": wrong})
    await driver.ask(again, i=who | {"password": wrong})
    await driver.ask(again, i={"login": "", "password": wrong})
    await driver.ask(enter, i={"login": wrong})
    # Values of the wrong shape: what is wrong with them is said without them.
    await driver.ask(enter, i={"password": wrong})
    await driver.ask(enter, i={"login": "a", "password": [wrong]})
    await driver.ask(enter, i={"login": "a", "password": wrong, "other": wrong})
    await driver.ask(enter, i=wrong)
    # In the document itself, which is then no document.
    typed = f'mutation {{ signIn(input: {{login: "a", password: "{wrong}" "{wrong}"}}) {{ x }} }}'
    await driver.ask(typed)
    await driver.ask(typed.replace(f'"{wrong}" "{wrong}"', f'["{wrong}"]'))
    await driver.ask(typed.replace(f'"{wrong}" "{wrong}"', f'"{wrong}", o: "{wrong}"'))
    for scheme in ("Bearer", "Basic", wrong):
        await driver.post({"query": "{ me { id } }"}, Authorization=f"{scheme} {wrong}")
    await driver.post(wrong)
    renewing = """mutation ($i: RefreshSessionInput!) { refreshSession(input: $i) { credentials {
      accessToken refreshToken } } }"""
    for given in (wrong, f"{refresh}x", [refresh], {"a": refresh}):
        await driver.ask(renewing, i={"refreshToken": given})
    shown = ("access token", "renewed", "renewed refresh")
    answer = await driver.got(renewing, *shown, i={"refreshToken": refresh})
    made = answer["refreshSession"]["credentials"]
    # Within the second of the sign-up it is the same token.
    driver.token = made["accessToken"]
    if driver.token != token:
        driver.canaries.know("renewed", driver.token)
    driver.canaries.know("renewed refresh", made["refreshToken"])


async def passwords_changed(driver: Driver) -> None:
    """To another, and to some that are refused."""
    changing = """mutation ($i: ChangePasswordInput!) { changePassword(input: $i) {
      identity { id } errors { message field } } }"""
    old, new = driver.canaries.planted["password"], driver.canaries.plant("new password")
    await driver.ask(changing, i={"currentPassword": new, "newPassword": old})
    await driver.ask(changing, i={"currentPassword": old, "newPassword": [new]})
    await driver.ask(changing, i={"currentPassword": old, "newPassword": "canary"})
    done = await driver.got(changing, i={"currentPassword": old, "newPassword": new})
    assert done["changePassword"]["identity"], done


async def from_elsewhere(driver: Driver) -> None:
    """What a desktop and a provider send along, good and bad."""
    secret = driver.canaries.planted["Sealos secret"] + "0" * 8
    entering = """mutation ($i: SealosInput!) { signInWithSealos(input: $i) { credentials {
      accessToken refreshToken } } }"""
    inside = driver.canaries.plant("Sealos kubeconfig")
    given = json.dumps(good(token=inside))
    token = driver.canaries.know("Sealos token", signed(secret, workspaceId="team-a"))
    other = driver.canaries.know("other Sealos token", signed("x" * 40, workspaceId="team-a"))
    for wrong in (other, f"{token}x", [token]):
        await driver.ask(entering, i={"token": wrong, "kubeconfig": given})
    await driver.ask(entering, i={"token": token, "kubeconfig": inside})
    shows = ("Sealos access token", "Sealos refresh token")
    answer = await driver.got(entering, *shows, i={"token": token, "kubeconfig": given})
    made = answer["signInWithSealos"]["credentials"]
    for name, value in zip(shows, (made["accessToken"], made["refreshToken"]), strict=True):
        driver.canaries.know(name, value)
    code = driver.canaries.plant("code of a provider")
    for provider in ("github", "elsewhere"):
        await driver.get(f"/auth/{provider}")
        await driver.get(f"/auth/{provider}/callback?code={code}&state={code}")
        await driver.get(f"/auth/{provider}/callback?error={code}&state=x")


async def settings(driver: Driver) -> list[str]:
    """A user's own, in both ways, and some that are refused."""
    one, key, bad = (driver.canaries.plant(f"setting {it}") for it in ("set", "key", "bad"))
    setting = """mutation ($i: SetSettingInput!) { setSetting(input: $i) {
      setting { id key value } errors { message field } } }"""
    typed = """mutation ($i: SetAnthropicSettingsInput!) { setAnthropicSettings(input: $i) {
      settings { id key value } errors { message field } } }"""
    await driver.got(setting, i={"key": "canary", "value": one, "isSecret": True})
    await driver.got(typed, i={"apiKey": key, "apply": "AT_ONCE"})
    await driver.ask(setting, i={"key": "", "value": bad, "isSecret": True})
    await driver.ask(setting, i={"key": "canary", "value": [bad]})
    await driver.ask(typed, i={"apiKey": f"{bad} {bad}\n"})
    await driver.ask(typed, i={"baseUrl": f"https://u:{bad}@example.com/?k={bad}"})
    await driver.ask(typed, i={"apiKey": [bad]})
    found = await driver.got("{ me { settings { id key value } } }")
    return [each["id"] for each in found["me"]["settings"] if each["value"] is None]


async def project_with_variables(driver: Driver) -> tuple[str, list[str]]:
    """A project, variables in every way, and variables that are refused."""
    answer = await driver.got(
        """mutation { createProject(input: {name: "shop", databases: [{name: "db"}]},
        idempotencyKey: "once") { project { id sandboxes { id } databases { id } } } }"""
    )
    project = answer["createProject"]["project"]
    one, two, three, bad = (
        driver.canaries.plant(f"variable {name}") for name in ("set", "imported", "replaced", "bad")
    )
    setting = """mutation ($p: ID!, $i: SetVariableInput!) { setVariable(projectId: $p, input: $i) {
      variable { id key value } errors { message field } } }"""
    importing = """mutation ($p: ID!, $i: ImportVariablesInput!) {
      importVariables(projectId: $p, input: $i) { errors { message field } } }"""
    replacing = """mutation ($p: ID!, $i: ReplaceVariablesInput!) {
      replaceVariables(projectId: $p, input: $i) { errors { message field } } }"""
    key = project["id"]
    await driver.got(setting, p=key, i={"key": "SET", "value": one, "isSecret": True})
    await driver.got(importing, p=key, i={"dotenv": f"IMPORTED='{two}'\n", "isSecret": True})
    replaced = [{"key": "REPLACED", "value": three, "isSecret": True}]
    await driver.got(replacing, p=key, i={"category": "other", "variables": replaced})
    for wrong in ("TTYD_PASSWORD", "1", "", "a" * 200):
        await driver.ask(setting, p=key, i={"key": wrong, "value": bad, "isSecret": True})
    await driver.ask(setting, p=key, i={"key": "BIG", "value": bad * 2000, "isSecret": True})
    await driver.ask(setting, p=key, i={"key": "LIST", "value": [bad, bad]})
    await driver.ask(setting, p=key, i={"key": "MORE", "value": bad, "unknown": bad})
    await driver.ask(setting, p="nobody's", i={"key": "SET", "value": bad})
    for line in (f"{bad}", f"A='{bad}", f"A B={bad}", f'A="{bad}" {bad}', f"={bad}"):
        await driver.ask(importing, p=key, i={"dotenv": line})
    found = await driver.got(
        "query ($p: ID!) { project(id: $p) { environment { id key value } } }", p=key
    )
    variables = [one["id"] for one in found["project"]["environment"]]
    return key, variables


async def kubeconfigs(driver: Driver) -> None:
    """One that is kept, and some that are refused, each with something to hide."""
    setting = """mutation ($i: KubeconfigInput!) { setKubeconfig(input: $i) {
      kubeconfig { server state message } errors { message field } } }"""
    token, bad = driver.canaries.plant("kubeconfig"), driver.canaries.plant("bad kubeconfig")
    kept = json.dumps(good(token=token))

    def refused_for(user: object) -> str:
        return json.dumps(changed(good(), "users", 0, "user", to=user))

    refused = [
        refused_for({"token": bad, "password": bad, "username": bad}),
        refused_for({"exec": {"command": bad, "env": [{"name": "A", "value": bad}]}}),
        refused_for({"tokenFile": bad}),
        refused_for({"other": bad}),
        f"users: [{{user: {{token: {bad}",
        f"token: &a {bad}\nother: *b\n{bad}",
        f"!!python/object:{bad} x",
        f'"{bad}',
        bad,
    ]
    for text in refused:
        await driver.ask(setting, i={"kubeconfig": text})
    kubeconfig = (await driver.got(setting, i={"kubeconfig": kept}))["setKubeconfig"]
    assert kubeconfig["kubeconfig"], kubeconfig
    await driver.ask(setting, i={"kubeconfig": [bad]})
    await driver.got("mutation { checkKubeconfig { kubeconfig { state } } }")


async def api_tokens(driver: Driver) -> None:
    """One, shown once and used."""
    answer = await driver.got(
        """mutation { createApiToken(input: {name: "ci", scopes: [PROJECTS_READ]}) { secret
        apiToken { id name } } }""",
        "API token",
    )
    token = driver.canaries.know("API token", answer["createApiToken"]["secret"])
    for used in (token, token[:-1] + "x"):
        headers = {"Authorization": f"Bearer {used}"}
        await driver.post(
            {"query": "{ me { id } projects { nodes { name } } apiTokens { name } }"}, **headers
        )


async def reveals(driver: Driver, project: str, variables: list[str], own: list[str]) -> None:
    """Each shows what it is for, once it is there."""
    found = await driver.got(
        "query ($p: ID!) { project(id: $p) { sandboxes { id } databases { id } } }", p=project
    )
    [sandbox], [database] = (found["project"][kind] for kind in ("sandboxes", "databases"))
    shown = tuple(f"variable {name}" for name in ("set", "imported", "replaced"))
    for variable in variables:
        await driver.got(
            "mutation ($id: ID!) { revealVariable(id: $id) { value variable { value } } }",
            *shown,
            id=variable,
        )
    for setting in own:
        await driver.got(
            "mutation ($id: ID!) { revealSetting(id: $id) { value } }",
            "setting set",
            "setting key",
            id=setting,
        )
    await driver.got(
        "mutation ($p: ID!) { exportVariables(projectId: $p) { dotenv } }", *shown, p=project
    )
    await driver.got(
        """mutation ($id: ID!) { revealDatabaseCredentials(databaseId: $id) {
        credentials { password } } }""",
        "database.password",
        id=database["id"],
    )
    await driver.got(
        """mutation ($id: ID!) { revealTerminalCredentials(sandboxId: $id) {
        credentials { password } } }""",
        "sandbox.ttyd_password",
        id=sandbox["id"],
    )


@asynccontextmanager
async def followed(driver: Driver) -> AsyncIterator[None]:
    """All events for the block, and what a websocket answers to a wrong token."""

    async def follow() -> None:
        async with websockets.connect(
            driver.stack.websocket_url,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            proxy=None,
        ) as socket:
            hello = {"authorization": f"Bearer {driver.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": hello}))
            message = {"id": "1", "type": "subscribe", "payload": {"query": EVENTS}}
            await socket.send(json.dumps(message))
            async for text in socket:
                driver.keep("an event", text)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@asynccontextmanager
async def watched(driver: Driver) -> AsyncIterator[None]:
    """What Postgres shows as running, again and again."""
    password = (driver.stack.data / "postgres" / "password").read_text()
    admin = await asyncpg.connect(with_role(driver.stack.owner_url, "postgres", password))

    seen: set[str] = set()

    async def watch() -> None:
        while True:
            for row in await admin.fetch("SELECT query FROM pg_stat_activity"):
                seen.add(row["query"])
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        assert len(seen) > 20
        driver.keep("pg_stat_activity", "\n".join(seen))
        await admin.close()


async def know_what_was_made(driver: Driver) -> None:
    """The installation's own secrets, and what is sealed in its tables; what nobody has set yet
    is set here, as the code would."""
    stack, canaries = driver.stack, driver.canaries
    keys = {file.name: file.read_text().strip() for file in (stack.data / "keys").iterdir()}
    for name, value in keys.items():
        canaries.know(f"key {name}", value.partition(":")[2] or value)
    canaries.know("administrator", (stack.data / "postgres" / "password").read_text().strip())
    ring = KeyRing(stack.ready["programs"]["api"]["env"]["MOORING_SECRET_KEYS"])
    connection = await asyncpg.connect(stack.owner_url)
    for column in SEALED:
        statement = f"SELECT id, {column.name} FROM {column.table} WHERE {column.name} IS NOT NULL"
        if not await connection.fetch(statement):
            row = await connection.fetchval(f"SELECT id FROM {column.table}")
            made = ring.seal(canaries.plant(str(column)), column.table, row, column.name)
            put = f"UPDATE {column.table} SET {column.name} = $1 WHERE id = $2"
            await connection.execute(put, made, row)
        for row in await connection.fetch(statement):
            value = ring.open(row[1], column.table, row["id"], column.name)
            if not any(known in value for known in canaries.planted.values()):
                canaries.know(str(column), value)
    await connection.close()


async def every_column(driver: Driver) -> None:
    """Each value of each row of each table, and what Postgres keeps of roles."""
    password = (driver.stack.data / "postgres" / "password").read_text()
    connection = await asyncpg.connect(with_role(driver.stack.owner_url, "postgres", password))
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname = 'public' OR tablename IN ('pg_authid', 'pg_proc', 'pg_policy')"
    )
    assert len(tables) > 20
    for table in tables:
        for row in await connection.fetch(f"SELECT t.*, t::text AS whole FROM {table['name']} t"):
            for column, value in row.items():
                raw = value if isinstance(value, bytes) else str(value)
                driver.keep(f"{table['name']}.{column}", raw)
    await connection.close()


async def every_object(driver: Driver) -> None:
    """What is in the cluster; Secrets are what a cluster has for secrets."""
    cluster = await connect(driver.stack.kubeconfig, BOUNDS)
    for kind in {*KINDS, POD} - {SECRET}:
        for found in await cluster.list_all(kind, driver.stack.ready["namespace"] or "", ""):
            driver.keep(f"a {kind.kind} of the cluster", json.dumps(found))
    await cluster.close()


def every_log_and_argument(driver: Driver) -> None:
    """Logs of all processes, and what they were started with."""
    stack = driver.stack
    # `mooring dev` tells the developer how to sign in to his own machine.
    driver.keep("the screen", stack.screen, "key dev-password")
    logs = [*(stack.data / "logs").iterdir(), stack.data / "postgres" / "server.log"]
    assert len(logs) >= 4
    for file in logs:
        driver.keep(f"the log {file.name}", file.read_bytes())
    pids = processes_of(stack.folder)
    assert len(pids) >= 4
    for pid in pids:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        driver.keep(f"the arguments of process {pid}", arguments)


def every_command(driver: Driver) -> None:
    """What the operator's commands print."""
    env = driver.stack.ready["programs"]["api"]["env"]
    env = os.environ | env | {"MOORING_DATABASE_URL": driver.stack.owner_url}
    env.pop("MOORING_PARENT_PIPE")
    for command in (["keys", "check"], ["keys", "rotate"], ["audit", "export"], ["status"]):
        ended = subprocess.run(
            [sys.executable, "-m", "app.cli", *command],
            env=env,
            capture_output=True,
            check=True,
            timeout=60,
        )
        driver.keep(f"mooring {' '.join(command)}", ended.stdout + ended.stderr)


async def running(driver: Driver, project: str) -> None:
    """Wait until the project runs, so that every secret is where it is used."""
    document = "query ($p: ID!) { project(id: $p) { status converged why { message } } }"
    found: Any = None

    async def runs() -> bool:
        nonlocal found
        found = (await driver.got(document, p=project))["project"]
        return bool(found["converged"] and found["status"] == "RUNNING")

    await becomes(runs, PATIENCE, every=0.2)


@pytest.mark.security
async def test_no_secret_is_seen_where_it_does_not_belong(stack: Stack, canaries: Canaries) -> None:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        driver = Driver(stack, http, canaries)
        async with watched(driver):
            await signed_up(driver)
            async with followed(driver):
                project, variables = await project_with_variables(driver)
                assert len(variables) == 3
                await api_tokens(driver)
                await running(driver, project)
                own = await settings(driver)
                assert len(own) == 2
                await passwords_changed(driver)
                await from_elsewhere(driver)
                await kubeconfigs(driver)
                await reveals(driver, project, variables, own)
                history = "{ projects { nodes { history { nodes { action message } } } } }"
                await driver.got(history)
                await driver.got("{ auditLog { nodes { action detail subjectName address } } }")
                for path in ("/", "/healthz", "/readyz", "/graphql", "/nothing", "/audit.jsonl"):
                    await driver.get(path)
            await asyncio.to_thread(every_command, driver)
    await know_what_was_made(driver)
    await every_column(driver)
    await every_object(driver)
    every_log_and_argument(driver)

    for where, content, shows in driver.outputs:
        canaries.search(where, content, *shows)

    assert canaries.seen == set()
