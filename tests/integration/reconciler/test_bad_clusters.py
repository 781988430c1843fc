"""Whatever answers in a cluster's place: a named why, in bounded time and memory.

Through both ways to a cluster, the operator's (`trusted`) and a user's (`vetted`), for calls and
for watches, against a server on a bare socket.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from app.auth.kubeconfigs import parse_kubeconfig
from app.domain.addresses import Address, AddressRules
from reconciler.cluster import trusted, vetted
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests.kinds import POD, Object
from tests.certificates import signed
from tests.integration.reconciler.bad_server import (
    NAME,
    PODS,
    BadServer,
    Conversation,
    Misbehaviour,
    misbehaving,
    never,
)
from tests.integration.world import PATIENCE
from tests.kubeconfigs import good

LOCAL = AddressRules((ip_network("127.0.0.0/8"),))
BOUNDS = Bounds(10, rate=10_000, burst=10_000, longest=200_000, parts=50_000, event=50_000)
IMPATIENT = replace(BOUNDS, timeout=0.3)
# What a server may get rid of before it is given up: our bounds, and the buffers on the way.
MOST_SENT = 12_000_000
WAYS = ("trusted", "vetted")


@asynccontextmanager
async def way(
    to: str, server: BadServer, folder: Path, bounds: Bounds = BOUNDS
) -> AsyncIterator[Cluster]:
    """A client of the server, as of the operator's cluster or of a user's."""
    made = _trusted(server, folder, bounds) if to == "trusted" else _vetted(server, bounds)
    cluster = await made
    try:
        yield cluster
    finally:
        await cluster.close()


async def _trusted(server: BadServer, folder: Path, bounds: Bounds) -> Cluster:
    file = folder / "kubeconfig"
    file.write_text(json.dumps(good(f"https://127.0.0.1:{server.port}")))
    return await trusted.connect(file, bounds)


async def _vetted(server: BadServer, bounds: Bounds) -> Cluster:
    async def here(_host: str, _port: int) -> list[Address]:
        return [ip_address("127.0.0.1")]

    text = json.dumps(good(f"https://{NAME}:{server.port}"))
    return await vetted.connect(parse_kubeconfig(text, (), LOCAL), LOCAL, bounds, here)


@dataclass(frozen=True)
class Bad:
    """A misbehaviour, and what is said of it."""

    how: Misbehaviour
    meaning: Meaning
    says: str
    speaks: str = "TLS"
    names: tuple[str, ...] = (NAME, "127.0.0.1")
    certificate: dict[str, object] = field(default_factory=dict)


async def html(talk: Conversation) -> None:
    page = b"<!doctype html><title>Sign in</title>"
    await talk.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    )
    await talk.send(page)


def whole(body: bytes, head: str = "200 OK", length: int | None = None) -> Misbehaviour:
    """A whole answer; with a `length` that is not its own it ends with the connection."""

    async def how(talk: Conversation) -> None:
        await talk.answer(body, head, length=length)
        if length is not None:
            talk.close()

    return how


async def reset(talk: Conversation) -> None:
    talk.reset()
    await never(talk)


async def reset_within(talk: Conversation) -> None:
    await talk.answer(PODS[:20], length=len(PODS))
    await reset(talk)


async def closes(talk: Conversation) -> None:
    talk.close()
    await never(talk)


async def drips_head(talk: Conversation) -> None:
    await talk.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000)


async def drips_body(talk: Conversation) -> None:
    await talk.begin()
    await talk.repeat(b" ", pause=0.01)


async def endless_body(talk: Conversation) -> None:
    await talk.begin()
    await talk.repeat(b"[" * 10_000)


async def endless_line_of_a_head(talk: Conversation) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    await talk.repeat(b"x" * 10_000)


async def endless_head(talk: Conversation) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\n")
    await talk.repeat(b"X-Many: x\r\n" * 1_000)


async def drips_chunk_size(talk: Conversation) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await talk.repeat(b"0", pause=0.01)


async def goes_on_for_ever(talk: Conversation) -> None:
    await talk.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


async def goes_on_slowly(talk: Conversation) -> None:
    await talk.repeat(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.02)


async def another_protocol(talk: Conversation) -> None:
    await talk.send(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    )


async def packed(talk: Conversation) -> None:
    bomb = gzip.compress(b'"' + b" " * 10_000_000 + b'"')
    await talk.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n" % len(bomb)
    )
    await talk.send(bomb)


async def chunked_wrongly(talk: Conversation) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")


async def two_lengths(talk: Conversation) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}")


async def ends_within(talk: Conversation) -> None:
    await talk.begin()
    await talk.send(PODS[:20])
    talk.close()
    await never(talk)


async def garbage(talk: Conversation) -> None:
    await talk.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


def redirect(code: int) -> Misbehaviour:
    async def how(talk: Conversation) -> None:
        await talk.send(
            f"HTTP/1.1 {code} Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
        )

    return how


AWAY, ODD, PROOF = Meaning.UNAVAILABLE, Meaning.NONSENSE, Meaning.CERTIFICATE
CUT = "was cut off"
LATE = "did not answer in time"
NOT_HTTP = "does not speak HTTP"
NOT_JSON = "is not JSON"
UNCLEAR = "cannot be understood"
ITSELF = "has to be the API server itself"

BAD: dict[str, Bad] = {
    # The way there.
    "silent before TLS": Bad(never, AWAY, LATE, speaks="silence"),
    "speaks HTTP where TLS is": Bad(never, AWAY, "SSL", speaks="HTTP"),
    "certificate expired": Bad(
        never, PROOF, "certificate has expired", certificate={"ends": timedelta(minutes=-1)}
    ),
    "certificate of another name": Bad(
        never, PROOF, "mismatch, certificate is not valid for", names=("other.example.com",)
    ),
    "certificate of another authority": Bad(
        never, PROOF, "does not prove", certificate={"known": False}
    ),
    "silent after TLS": Bad(never, AWAY, LATE),
    "resets": Bad(reset, AWAY, ""),
    "closes": Bad(closes, AWAY, "closed the connection"),
    # No HTTP, or too much of it.
    "speaks SSH": Bad(garbage, ODD, NOT_HTTP),
    "head in drips": Bad(drips_head, AWAY, LATE),
    "head line without end": Bad(endless_line_of_a_head, ODD, NOT_HTTP),
    "head without end": Bad(endless_head, ODD, NOT_HTTP),
    "100 without end": Bad(goes_on_for_ever, AWAY, LATE),
    "100 now and then": Bad(goes_on_slowly, AWAY, LATE),
    "101": Bad(another_protocol, ODD, ITSELF),
    "two lengths": Bad(two_lengths, ODD, NOT_HTTP),
    # The body.
    "body in drips": Bad(drips_body, AWAY, LATE),
    "body without end": Bad(endless_body, ODD, "too long"),
    "body reset": Bad(reset_within, AWAY, ""),
    "body ended": Bad(ends_within, ODD, NOT_JSON),
    "body shorter than it says": Bad(whole(PODS[:30], length=len(PODS)), AWAY, CUT),
    "body longer than it says": Bad(whole(PODS, length=30), ODD, ""),
    "chunks without sense": Bad(chunked_wrongly, ODD, NOT_HTTP),
    "chunk size in drips": Bad(drips_chunk_size, AWAY, LATE),
    "gzip bomb": Bad(packed, ODD, NOT_JSON),
    # What it says.
    "web page": Bad(html, ODD, "is not JSON but text/html"),
    "cut off JSON": Bad(whole(PODS[:-2]), ODD, NOT_JSON),
    "no body": Bad(whole(b""), ODD, NOT_JSON),
    "not UTF-8": Bad(whole(b'{"items": ["\xff"]}'), ODD, NOT_JSON),
    "nested without end": Bad(whole(b"[" * 40_000 + b"]" * 40_000), ODD, NOT_JSON),
    "many parts": Bad(whole(b"[" + b"0," * 60_000 + b"0]"), ODD, "too many parts"),
    "NUL": Bad(whole(PODS.replace(b"Pod", b"\\u0000")), ODD, "no name has"),
    "null": Bad(whole(b"null"), ODD, UNCLEAR),
    "a list": Bad(whole(b"[]"), ODD, UNCLEAR),
    "items that are none": Bad(whole(PODS.replace(b"[]", b'{"a":1}')), ODD, UNCLEAR),
    "items without metadata": Bad(whole(PODS.replace(b"[]", b'[{"metadata":5}]')), ODD, UNCLEAR),
    "a version that is none": Bad(whole(PODS.replace(b'"1"', b"[1]")), ODD, UNCLEAR),
    # Refusals that are none of Kubernetes'.
    **{f"redirect {code}": Bad(redirect(code), ODD, ITSELF) for code in (301, 302, 307, 308)},
    "not modified": Bad(whole(b"", "304 Not Modified"), ODD, ITSELF),
    "404 of a web server": Bad(whole(b"<h1>404</h1>", "404 Not Found"), ODD, ITSELF),
    "404 of another's API": Bad(whole(b'{"error":"no route"}', "404 Not Found"), ODD, ITSELF),
    "404 of a Go program": Bad(whole(b"404 page not found\n", "404 Not Found"), ODD, ITSELF),
    "403 of a firewall": Bad(whole(b"<html>blocked", "403 Forbidden"), ODD, ITSELF),
    "502 of a proxy": Bad(whole(b"<html>bad gateway", "502 Bad Gateway"), AWAY, "HTTP 502, with a"),
    "status without sense": Bad(whole(b"{}", "999 What"), AWAY, "HTTP 999"),
}


def slow(name: str) -> Any:
    """One of BAD; those that only time ends are in `make faults`."""
    marks = pytest.mark.faults if BAD[name].says == LATE else ()
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("to", WAYS)
@pytest.mark.parametrize("name", [slow(name) for name in BAD])
async def test_a_call_ends_with_a_why_in_bounded_time_and_memory(
    to: str, name: str, tmp_path: Path
) -> None:
    bad = BAD[name]
    pair = signed(*bad.names, **bad.certificate)

    async with (
        asyncio.timeout(PATIENCE),
        misbehaving(bad.how, pair=pair, speaks=bad.speaks) as server,
        way(to, server, tmp_path, IMPATIENT if bad.says == LATE else BOUNDS) as cluster,
    ):
        with pytest.raises(ClusterError) as caught:
            await cluster.list_all(POD, "team-a", "")

    assert (caught.value.meaning, bad.says in str(caught.value)) == (bad.meaning, True), caught
    assert 0 < len(str(caught.value)) <= 2000
    assert server.asked <= 2  # a read is sent again where the connection just ended
    assert server.sent < MOST_SENT


POD_EVENT = {
    "type": "MODIFIED",
    "object": {"kind": "Pod", "metadata": {"name": "p", "resourceVersion": "7"}},
}
LINE = json.dumps(POD_EVENT).encode() + b"\n"


def says(*parts: bytes, then: Misbehaviour = never) -> Misbehaviour:
    """A watch that says this, in these parts."""

    async def how(talk: Conversation) -> None:
        await talk.begin()
        for part in parts:
            await talk.send(part)
        await then(talk)

    return how


async def reset_between_chunks(talk: Conversation) -> None:
    chunk = b"%x\r\n%s\r\n" % (len(LINE), LINE)
    await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
    await asyncio.sleep(0.05)  # a RST takes with it what has not been read
    await reset(talk)


async def drips_event(talk: Conversation) -> None:
    await talk.repeat(b"x", pause=0.001)


async def endless_line(talk: Conversation) -> None:
    await talk.repeat(b"x" * 10_000)


@dataclass(frozen=True)
class BadWatch:
    """How a watch misbehaves after its first event, and what is said of it."""

    how: Misbehaviour
    meaning: Meaning
    says: str


BAD_WATCHES = {
    "line without end": BadWatch(says(LINE, then=endless_line), ODD, "too long"),
    "not JSON": BadWatch(says(LINE + b"<html>\n"), ODD, NOT_JSON),
    "cut off": BadWatch(says(LINE + LINE[:-5] + b"\n"), ODD, NOT_JSON),
    "no event": BadWatch(says(LINE + b"[1]\n"), ODD, UNCLEAR),
    "no type": BadWatch(says(LINE + b'{"object": {"metadata": {}}}\n'), ODD, UNCLEAR),
    "no object": BadWatch(says(LINE + b'{"type": "ADDED"}\n'), ODD, UNCLEAR),
    "no version": BadWatch(
        says(LINE + b'{"type": "ADDED", "object": {"metadata": {}}}\n'), ODD, UNCLEAR
    ),
    "labels that are none": BadWatch(
        says(LINE + LINE.replace(b'"name"', b'"labels": 5, "name"')),
        ODD,
        UNCLEAR,
    ),
    "an error that is none": BadWatch(
        says(LINE + b'{"type": "ERROR", "object": 5}\n'), ODD, UNCLEAR
    ),
    "reset": BadWatch(reset_between_chunks, AWAY, ""),
}


async def watched(cluster: Cluster, seconds: float = 60) -> list[str]:
    """The versions that a watch tells of, until it ends."""
    events = cluster.watch(POD, "team-a", "", "1", seconds)
    return [event["object"]["metadata"]["resourceVersion"] async for event in events]


@pytest.mark.parametrize("to", WAYS)
@pytest.mark.parametrize("name", BAD_WATCHES)
async def test_a_watch_ends_with_a_why_in_bounded_time_and_memory(
    to: str, name: str, tmp_path: Path
) -> None:
    bad = BAD_WATCHES[name]
    seen: list[Object] = []

    async with (
        asyncio.timeout(PATIENCE),
        misbehaving(bad.how, pair=signed(NAME, "127.0.0.1")) as server,
        way(to, server, tmp_path) as cluster,
    ):
        with pytest.raises(ClusterError) as caught:
            async for event in cluster.watch(POD, "team-a", "", "1", 60):
                seen.append(event)  # noqa: PERF401 - it is there when the watch has raised

    assert (caught.value.meaning, bad.says in str(caught.value)) == (bad.meaning, True), caught
    assert seen == [POD_EVENT]
    assert server.sent < MOST_SENT


@pytest.mark.faults
@pytest.mark.parametrize("to", WAYS)
@pytest.mark.parametrize("name", ["silent after TLS", "head in drips", "100 now and then"])
async def test_a_watch_that_does_not_begin_is_given_up_as_a_call_is(
    to: str, name: str, tmp_path: Path
) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        misbehaving(BAD[name].how, pair=signed(NAME, "127.0.0.1")) as server,
        way(to, server, tmp_path, IMPATIENT) as cluster,
    ):
        with pytest.raises(ClusterError, match=LATE):
            await watched(cluster, seconds=3600)


@pytest.mark.faults
@pytest.mark.parametrize("to", WAYS)
async def test_a_watch_that_drips_ends_with_its_time(to: str, tmp_path: Path) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        misbehaving(says(then=drips_event), pair=signed(NAME, "127.0.0.1")) as server,
        way(to, server, tmp_path, IMPATIENT) as cluster,
    ):
        with pytest.raises(ClusterError, match=LATE):
            await watched(cluster, seconds=0.1)


@pytest.mark.parametrize("to", WAYS)
async def test_a_redirected_watch_is_not_followed(to: str, tmp_path: Path) -> None:
    async with (
        misbehaving(redirect(307), pair=signed(NAME, "127.0.0.1")) as server,
        way(to, server, tmp_path) as cluster,
    ):
        with pytest.raises(ClusterError, match=ITSELF):
            await watched(cluster)

    assert server.asked == 1


@pytest.mark.parametrize("to", WAYS)
async def test_events_of_a_mebibyte_are_read(to: str, tmp_path: Path) -> None:
    long = LINE.replace(b'"p"', b'"' + b"p" * 2**20 + b'"')
    parts = [(long * 3)[start : start + 50_000] for start in range(0, 3 * len(long), 50_000)]
    bounds = replace(BOUNDS, timeout=10, event=2**21)

    async with (
        misbehaving(says(*parts, then=closes), pair=signed(NAME, "127.0.0.1")) as server,
        way(to, server, tmp_path, bounds) as cluster,
    ):
        found = await watched(cluster)

    assert found == ["7"] * 3
