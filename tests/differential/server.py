"""An API server to send requests to, as a kubeconfig gives it: the real one, or the simulator."""

from __future__ import annotations

import ssl
import tempfile
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

from tests.differential.request import Json

SECONDS = 30.0
# etcd is told every five minutes to forget what was there five minutes before.
FORGETS_AFTER = timedelta(minutes=11)


@dataclass(frozen=True)
class Reply:
    """What came back; of a watch, its lines."""

    code: int
    headers: Mapping[str, list[str]]
    content: bytes
    lines: list[bytes]


@dataclass(frozen=True)
class Server:
    """`known` has the credential, `stranger` none: a client certificate is the connection's."""

    url: str
    known: aiohttp.ClientSession
    stranger: aiohttp.ClientSession

    async def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        content: bytes | None,
        media: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        events: int = 0,
    ) -> Reply:
        """One request; a token other than None is sent in place of the credential."""
        session = self.known if token is None else self.stranger
        said = {**(headers or {})}
        if token:
            said["Authorization"] = f"Bearer {token}"
        if content is not None:
            said["Content-Type"] = media
        # Of bytes that are many, aiohttp warns.
        data = None if content is None else BytesIO(content)
        sent = session.request(method, self.url + path, params=query, data=data, headers=said)
        async with sent as response:
            lines: list[bytes] = []
            if events and response.status == 200:
                while len(lines) < events and (line := await response.content.readline()):
                    lines.append(line)
                response.close()
                return Reply(200, _headers(response), b"", lines)
            return Reply(response.status, _headers(response), await response.read(), lines)

    async def json(self, path: str) -> Json:
        """What a GET answers."""
        reply = await self.send("GET", path, {}, None, "")
        body: Json = orjson.loads(reply.content)
        return body

    async def is_young(self) -> bool:
        """Whether it may still remember its first versions."""
        first = await self.json("/api/v1/namespaces/kube-system")
        made = datetime.fromisoformat(first["metadata"]["creationTimestamp"])
        return datetime.now(UTC) - made < FORGETS_AFTER

    async def serves(self, version: str) -> bool:
        """Whether a `group/version` is there."""
        return (await self.send("GET", f"/apis/{version}", {}, None, "")).code == 200


def _headers(response: aiohttp.ClientResponse) -> dict[str, list[str]]:
    return {name: response.headers.getall(name) for name in response.headers}


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[Server]:
    """The server and user of the current context, whose data must be inline."""
    tree = yaml.safe_load(kubeconfig.read_text())
    context = _named(tree["contexts"], tree["current-context"])["context"]
    cluster = _named(tree["clusters"], context["cluster"])["cluster"]
    user = _named(tree["users"], context["user"])["user"]
    token = user.get("token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        _session(_trust(cluster, user), headers) as known,
        _session(_trust(cluster, {}), {}) as stranger,
    ):
        yield Server(cluster["server"], known, stranger)


def _session(trust: ssl.SSLContext, headers: dict[str, str]) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust),
        headers={"User-Agent": "differential/1", "Accept": "application/json", **headers},
        timeout=aiohttp.ClientTimeout(SECONDS),
        skip_auto_headers=["Content-Type"],
        read_bufsize=2**21,
    )


def _named(entries: list[Json], name: str) -> Json:
    return next(entry for entry in entries if entry["name"] == name)


def _trust(cluster: Json, user: dict[str, Any]) -> ssl.SSLContext:
    authority = b64decode(cluster["certificate-authority-data"]).decode()
    trust = ssl.create_default_context(cadata=authority)
    if "client-certificate-data" in user:
        # The ssl module reads a certificate from a file alone.
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(b64decode(user["client-certificate-data"]) + b"\n")
            pair.write(b64decode(user["client-key-data"]))
            pair.flush()
            trust.load_cert_chain(pair.name)
    return trust
