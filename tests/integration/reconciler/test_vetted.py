"""A client of a user's cluster meets servers and names that mean it ill."""

import asyncio
import gzip
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from aiohttp import web

from app.auth.kubeconfigs import parse_kubeconfig
from app.domain.addresses import Address, AddressRules
from app.domain.kubeconfig import Kubeconfig
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.cluster.vetted import connect
from reconciler.manifests.kinds import POD
from tests.certificates import authority, signed
from tests.kubeconfigs import Tree, good, with_certificate
from tests.simulator import RunningSimulator

NAME = "kube.example.com"
BOUNDS = Bounds(timeout=5, rate=1000, burst=1000, longest=100_000, pages=3)
LOCAL = AddressRules((ip_network("127.0.0.0/8"),))
PODS = {"items": [], "metadata": {"resourceVersion": "1"}}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """A server of this process, and what it was asked."""

    host: str
    port: int
    asked: list[web.Request] = field(default_factory=list)


@asynccontextmanager
async def serving(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    names: tuple[str, ...] = (NAME,),
    clients: bool = False,
) -> AsyncIterator[Server]:
    """TLS under `names`; `clients`: whoever has no certificate is turned away."""
    server = Server(host, port)

    async def handle(request: web.Request) -> web.StreamResponse:
        server.asked.append(request)
        return await handler(request)

    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = signed(*names)
    with tempfile.NamedTemporaryFile("w") as file:
        Path(file.name).write_text(pair.certificate + pair.key)
        trust.load_cert_chain(file.name)
    if clients:
        trust.verify_mode = ssl.CERT_REQUIRED
        trust.load_verify_locations(cadata=authority())
    runner = web.AppRunner(_app(handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=trust).start()
        server.port = runner.addresses[0][1]
        yield server
    finally:
        await runner.cleanup()


def _app(handle: Handler) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app


async def pods(request: web.Request) -> web.Response:
    return web.json_response(PODS)


def model(tree: Tree) -> Kubeconfig:
    return parse_kubeconfig(json.dumps(tree), ("kubeconfig",), LOCAL)


class Names:
    """A name server whose answers change: the n-th question gets the n-th answer, then the last."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> list[Address]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [ip_address(text) for text in answer]


@asynccontextmanager
async def client(
    server: Server,
    *,
    names: Names | None = None,
    tree: Callable[[str], Tree] = good,
    rules: AddressRules = LOCAL,
    bounds: Bounds = BOUNDS,
) -> AsyncIterator[Cluster]:
    kubeconfig = model(tree(f"https://{NAME}:{server.port}"))
    opened = await connect(kubeconfig, rules, bounds, names or Names([server.host]))
    try:
        yield opened
    finally:
        await opened.close()


async def refusal(cluster: Cluster) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        await cluster.list_all(POD, "team-a", "")
    return caught.value


async def test_it_works_with_a_cluster_of_its_own_authority(simulator: RunningSimulator) -> None:
    kubeconfig = parse_kubeconfig(simulator.kubeconfig.read_text(), ("kubeconfig",), LOCAL)
    cluster = await connect(kubeconfig, LOCAL, BOUNDS)

    found = await cluster.list_all(POD, kubeconfig.namespace, "")
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "mooring"}}
    applied = await cluster.apply(body)
    await cluster.close()

    assert found == []
    assert applied["metadata"]["name"] == "s"


async def test_a_name_that_changes_its_meaning_is_not_asked_again() -> None:
    async def last(request: web.Request) -> web.Response:
        """Each request has to find the server anew."""
        response = await pods(request)
        response.force_close()
        return response

    async with serving(last) as public, serving(last, host="127.0.0.2", port=public.port) as inner:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        async with client(public, names=names) as cluster:
            for _ in range(3):
                await cluster.list_all(POD, "team-a", "")

    assert len(public.asked) == 3
    assert (names.asked, inner.asked) == (1, [])


@pytest.mark.parametrize(
    "answer",
    [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["8.8.8.8", "fe80::1%eth0"], ["::ffff:10.1.1.1"]],
)
async def test_a_name_with_one_refused_address_is_refused(answer: list[str]) -> None:
    with pytest.raises(ClusterError) as caught:
        await connect(model(good()), AddressRules(), BOUNDS, Names(answer))

    assert caught.value.meaning == Meaning.ADDRESS
    assert not any(address in str(caught.value) for address in answer)


async def test_the_systems_own_names_are_judged_too() -> None:
    with pytest.raises(ClusterError) as caught:
        await connect(model(good("https://localhost:6443")), AddressRules(), BOUNDS)

    assert "is a loopback address" in str(caught.value)


async def test_the_operators_cluster_is_known_by_name_and_address() -> None:
    by_name = AddressRules(own_names=frozenset({NAME}))
    by_address = AddressRules(own=frozenset({ip_address("8.8.8.8")}))

    for rules in (by_name, by_address):
        with pytest.raises(ClusterError) as caught:
            await connect(model(good()), rules, BOUNDS, Names(["8.8.8.8"]))
        assert "is the operator's own cluster" in str(caught.value)


async def test_a_name_that_nobody_knows_is_tried_again() -> None:
    async def nothing(host: str, port: int) -> list[Address]:
        raise OSError("no such name")

    with pytest.raises(ClusterError) as caught:
        await connect(model(good()), LOCAL, BOUNDS, nothing)

    assert caught.value.meaning == Meaning.UNAVAILABLE


async def test_a_name_server_that_does_not_answer_is_given_up() -> None:
    async def never(host: str, port: int) -> list[Address]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(ClusterError) as caught:
        await connect(model(good()), LOCAL, Bounds(0.1, rate=1, burst=1), never)

    assert caught.value.meaning == Meaning.UNAVAILABLE


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(code: int) -> None:
    async with serving(pods) as inner:

        async def elsewhere(request: web.Request) -> web.Response:
            return web.Response(
                status=code, headers={"Location": f"https://127.0.0.1:{inner.port}/"}
            )

        async with serving(elsewhere) as server, client(server) as cluster:
            error = await refusal(cluster)

    assert (error.status, error.meaning) == (code, Meaning.NONSENSE)
    assert inner.asked == []


async def test_an_answer_without_end_is_given_up() -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"[" * 10_000)
            sent += 10_000

    async with serving(endless) as server, client(server) as cluster:
        error = await refusal(cluster)

    assert str(error) == "The API server's answer is too long."
    assert sent < 10_000_000


async def test_an_answer_that_grows_when_it_is_read_is_not_read() -> None:
    async def lists(request: web.Request) -> web.Response:
        return web.Response(text="[" + "[]," * 30_000 + "[]]")

    bounds = replace(BOUNDS, parts=50_000)
    async with serving(lists) as server, client(server, bounds=bounds) as cluster:
        error = await refusal(cluster)

    assert str(error) == "The API server's answer has too many parts."


async def test_an_answer_that_grows_when_unpacked_is_not_unpacked() -> None:
    async def bomb(request: web.Request) -> web.Response:
        packed = gzip.compress(b'"' + b" " * 10_000_000 + b'"')
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with serving(bomb) as server, client(server) as cluster:
        error = await refusal(cluster)

    assert str(error).startswith("The API server's answer is not JSON")
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


async def test_a_slow_answer_is_given_up_whole() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    bounds = Bounds(timeout=0.3, rate=1000, burst=1000)
    async with serving(drip) as server, client(server, bounds=bounds) as cluster:
        error = await refusal(cluster)

    assert str(error) == "The API server did not answer in time."


async def test_a_list_without_end_is_given_up() -> None:
    async def more(request: web.Request) -> web.Response:
        return web.json_response(PODS | {"metadata": {"continue": "x", "resourceVersion": "1"}})

    async with serving(more) as server, client(server) as cluster:
        error = await refusal(cluster)

    assert str(error) == "A list of the API server does not end."
    assert len(server.asked) == BOUNDS.pages


async def test_what_no_row_could_hold_does_not_get_there() -> None:
    async def nul(request: web.Request) -> web.Response:
        return web.Response(text='{"items": ["\\u0000"], "metadata": {"resourceVersion": "1"}}')

    async def wordy(request: web.Request) -> web.Response:
        said = {"message": "\0" + "x" * 50_000, "details": {"kind": "pods", "name": "\0" * 9}}
        return web.json_response(said, status=422, headers={"Retry-After": "9" * 30})

    async def odd(request: web.Request) -> web.Response:
        return web.json_response({"details": "x", "message": {}}, status=404)

    async def string(request: web.Request) -> web.Response:
        return web.Response(text='"\\u0000' + "x" * 50_000 + '"', status=403)

    errors = []
    for handler in (nul, wordy, string, odd):
        async with serving(handler) as server, client(server) as cluster:
            errors += [await refusal(cluster)]

    for error in errors:
        assert "\0" not in str(error) + str(error.object)
        assert len(str(error)) <= 2000
        assert error.retry_after <= 600


async def test_proxies_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    met: list[str] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append((await reader.readline()).decode())
        writer.close()

    listening = await asyncio.start_server(proxy, "127.0.0.1", 0)
    where = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, where)
    netrc = tmp_path / "netrc"
    netrc.write_text("default login operator password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async with listening, serving(pods) as server, client(server, tree=with_certificate) as cluster:
        await cluster.list_all(POD, "team-a", "")

    assert met == []
    assert "Authorization" not in server.asked[0].headers


async def test_a_server_of_another_name_is_not_believed() -> None:
    async with serving(pods, names=("other.example.com",)) as server, client(server) as cluster:
        error = await refusal(cluster)

    assert error.meaning == Meaning.CERTIFICATE
    assert "not valid for 'kube.example.com'" in str(error)
    assert server.asked == []


async def test_a_server_of_another_authority_is_not_believed(
    simulator: RunningSimulator,
) -> None:
    cluster = await connect(model(good(simulator.url)), LOCAL, BOUNDS)

    error = await refusal(cluster)
    await cluster.close()

    assert error.meaning == Meaning.CERTIFICATE


async def test_a_client_certificate_is_shown() -> None:
    async with serving(pods, clients=True) as server:
        async with client(server, tree=with_certificate) as cluster:
            found = await cluster.list_all(POD, "team-a", "")
        async with client(server) as cluster:
            error = await refusal(cluster)

    assert found == []
    assert error.meaning == Meaning.UNAVAILABLE
    assert len(server.asked) == 1


async def test_the_token_and_the_path_of_the_server_are_sent() -> None:
    def below(server: str) -> Tree:
        return good(f"{server}/k8s/clusters/c-1")

    async with serving(pods) as server, client(server, tree=below) as cluster:
        await cluster.list_all(POD, "team-a", "mooring.dev/resource=x")

    asked = server.asked[0]
    assert asked.headers["Authorization"] == "Bearer s3cr3t-t0ken"
    assert asked.headers["Host"] == f"{NAME}:{server.port}"
    assert asked.path == "/k8s/clusters/c-1/api/v1/namespaces/team-a/pods"
    assert dict(asked.query) == {"labelSelector": "mooring.dev/resource=x", "limit": "500"}
