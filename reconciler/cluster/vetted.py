"""The way to a user's cluster: from our own model of his kubeconfig, and to vetted addresses alone.

The server's name is resolved once, when the client is made, and every address is judged
(`app.domain.addresses`); the client connects to these and never resolves again, so that a name
which means something else a moment later (DNS rebinding) gains nothing. TLS proves the server under
its name, against the authority of the kubeconfig and no other. No proxy and no `~/.netrc` of our
environment, no redirect, no cookie, no decompression; content and time are bounded by `Cluster`.

kubernetes_asyncio has no part in it: its loader is what may run programs, and its client costs
35 ms of processor time, as each reads the system's authorities. This one costs under a millisecond.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.domain.addresses import Address, AddressRules, refusal, refusal_of_name
from app.domain.kubeconfig import ClientCertificate, Kubeconfig, Token
from app.domain.servers import Server
from reconciler import metrics
from reconciler.cluster.calls import Call
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.errors import ClusterError, Meaning

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]

# A resource has some ten objects, each of a few hundred values; its Secret may have a megabyte.
LONGEST, PARTS, PAGES = 4 * 2**20, 100_000, 1
_CONNECTIONS = 8
# A user's name server may be slow on purpose: those that wait for it are threads of their own, and
# nothing but users' names waits for one of them.
_LOOKUPS = ThreadPoolExecutor(64, thread_name_prefix="lookup")


async def connect(
    kubeconfig: Kubeconfig,
    rules: AddressRules,
    bounds: Bounds,
    resolve: Resolve | None = None,
) -> Cluster:
    """The cluster of a user's kubeconfig; ClusterError when its address or credential is none."""
    try:
        async with asyncio.timeout(bounds.timeout):
            addresses = await vet(kubeconfig.server, rules, resolve or lookup)
    except (OSError, TimeoutError) as error:
        said = "The name of the kubeconfig's server has no address."
        raise ClusterError(Meaning.UNAVAILABLE, 0, said) from error
    try:
        trust = await asyncio.to_thread(trust_of, kubeconfig)
    except ssl.SSLError as error:
        said = "The kubeconfig's certificates cannot be used."
        raise ClusterError(Meaning.UNAUTHORIZED, 0, said) from error
    return Cluster(Vetted(kubeconfig, addresses, trust), bounds, metrics.USERS)


async def vet(server: Server, rules: AddressRules, resolve: Resolve) -> Sequence[Address]:
    """All addresses of a server; ClusterError when one of them, or its name, is refused."""
    why = refusal_of_name(server.host, rules)
    address = server.address
    addresses = [] if why else [address] if address else await resolve(server.host, server.port)
    why = why or next(filter(None, (refusal(each, rules) for each in addresses)), None)
    if why:
        # Not the address itself: that would make us a reader of the operator's name server.
        raise ClusterError(Meaning.ADDRESS, 0, f"The host of the kubeconfig's server {why}.")
    return addresses


async def lookup(host: str, port: int, *, ours: bool = False) -> Sequence[Address]:
    """What the system resolves a name to, `ours` or a user's; OSError when nothing."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    threads = None if ours else _LOOKUPS
    found = await asyncio.get_running_loop().run_in_executor(threads, ask)
    return [ip_address(str(entry[4][0])) for entry in found]


class Vetted:
    """Requests to one server at `addresses`."""

    def __init__(
        self, kubeconfig: Kubeconfig, addresses: Sequence[Address], trust: ssl.SSLContext
    ) -> None:
        connector = aiohttp.TCPConnector(
            ssl=trust, resolver=_Fixed(addresses), use_dns_cache=False, limit=_CONNECTIONS
        )
        headers = {
            "User-Agent": f"mooring/{version('mooring')}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if isinstance(kubeconfig.credential, Token):
            headers["Authorization"] = f"Bearer {kubeconfig.credential.token}"
        self.host = kubeconfig.server.host
        self._base = kubeconfig.server.url
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=headers,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, call: Call, timeout: float) -> aiohttp.ClientResponse:
        """The answer, a redirect too."""
        asked = f"?{urlencode(call.query)}" if call.query else ""
        return await self._session.request(
            call.method,
            URL(f"{self._base}{call.path}{asked}", encoded=True),
            data=None if call.body is None else orjson.dumps(call.body),
            headers=call.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


class _Fixed(AbstractResolver):
    """Knows what was vetted, and nothing else."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the base has it
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass


def trust_of(kubeconfig: Kubeconfig) -> ssl.SSLContext:
    """TLS with the kubeconfig's authority alone, and its client certificate; ssl.SSLError."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.minimum_version = ssl.TLSVersion.TLSv1_2
    # As Go has it, and so kubectl: each given certificate is trusted, not only self-signed ones.
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trust.load_verify_locations(cadata=kubeconfig.authority)
    if isinstance(kubeconfig.credential, ClientCertificate):
        with _as_file(kubeconfig.credential) as file:
            # A password of our own, lest OpenSSL ask for one at the terminal.
            trust.load_cert_chain(file, password="")
    return trust


@contextlib.contextmanager
def _as_file(credential: ClientCertificate) -> Iterator[Path]:
    """A name for it while it is loaded: the standard library loads keys from files alone.

    On Linux it is in memory and has no place in any directory; elsewhere a private file.
    """
    content = f"{credential.chain}\n{credential.key}\n".encode()
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("credential"), "wb") as memory:
            memory.write(content)
            memory.flush()
            yield Path(f"/proc/self/fd/{memory.fileno()}")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pem"
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            out.write(content)
        yield file
