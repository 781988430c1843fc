"""What an answer of an API server says, or why it is none; whatever answers there, it is bounded.

Only shapes that the readers of an answer count on are checked: an object has metadata with a name
and a version, and all in there that is text; a page has items and a version, an event a type and
an object. All else is read as it
is found (`reconciler.observed.fields`).
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from reconciler.cluster.errors import ClusterError, Meaning, culprit_of, is_web_page, meaning_of
from reconciler.manifests.kinds import BUILT_IN, Object, kind_at

# Seconds that an API server may ask to wait at most, and characters of what it says that are kept.
_LONGEST_WAIT, _LONGEST_WORDS = 600.0, 2000
# What every API server serves that a sandbox can be in: where it does not, none is there.
_ALWAYS_SERVED = ("/api/v1", "/apis/apps/v1")
_SERVER = "the kubeconfig's server has to be the API server itself."
_TEXTS = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp")
_MAPPINGS = ("labels", "annotations")
_UNANSWERED: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "The API server did not answer in time."),
    (aiohttp.ServerDisconnectedError, "The API server closed the connection without an answer."),
    (aiohttp.ClientPayloadError, "The API server's answer was cut off."),
)
# An empty one has null in place of a list. Seen on 1.36.
_BARE_LIST = "PartialObjectMetadataList"


def decoded(content: bytes, media: str, most: int) -> Any:
    """What an answer says. NUL is in no name or message of Kubernetes, and Postgres has none.

    Of empty lists alone it would be thirty times as large as it came.
    """
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > most:
        raise nonsense("The API server's answer has too many parts.")
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        what = f" but {words(media)[:80]}" if "json" not in media else ""
        raise nonsense(f"The API server's answer is not JSON{what}: {_SERVER}") from error
    if b"\\u0000" in content:
        raise nonsense("The API server's answer has characters that no name has.")
    return said


def an_object(said: Any) -> Object:
    """What should be one object."""
    if not _is_stored(said):
        raise nonsense()
    found: Object = said
    return found


def a_page(said: Any) -> tuple[Sequence[Object], Mapping[str, Any]]:
    """The items of what should be a page of a list, and its metadata."""
    items, meta = (said.get("items"), said.get("metadata")) if isinstance(said, dict) else (0, 0)
    if items is None and isinstance(said, dict) and said.get("kind") == _BARE_LIST:
        items = []
    if not (isinstance(items, list) and isinstance(meta, dict) and all(map(_is_stored, items))):
        raise nonsense()
    if not all(isinstance(meta.get(key, ""), str) for key in ("continue", "resourceVersion")):
        raise nonsense()
    return items, meta


async def lines(chunks: AsyncIterable[bytes], longest: int) -> AsyncIterator[bytes]:
    """Whole lines, wherever they were split; joined once, for they may come byte by byte."""
    begun: list[bytes] = []
    length = 0
    async for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for part in whole:
            line = b"".join([*begun, part])
            begun, length = [], 0
            if line:
                yield line
        if last:
            begun.append(last)
            length += len(last)
        if length > longest:
            raise nonsense("An event of the API server is too long.")


def an_event(line: bytes, most: int) -> Object:
    """What should be an event of a watch: `type` and `object`, which is a Status for an ERROR."""
    event = decoded(line, "json", most)
    kind, about = (event.get("type"), event.get("object")) if isinstance(event, dict) else (0, 0)
    if kind == "ERROR" and isinstance(about, dict):
        return {"type": kind, "object": about}
    # A bookmark has a version alone.
    if not (isinstance(kind, str) and _is_stored(about, unnamed=kind == "BOOKMARK")):
        raise nonsense()
    return {"type": kind, "object": about}


def nonsense(said: str = "The API server's answer cannot be understood.") -> ClusterError:
    """What is told of an answer that is none of Kubernetes'."""
    return ClusterError(Meaning.NONSENSE, 0, said)


def refusal(
    response: aiohttp.ClientResponse, content: bytes, method: str, path: str
) -> ClusterError:
    """An answer that is no success, with what it says about the culprit and the wait."""
    status = response.status
    if status < 400:
        what = "redirects elsewhere, which is not followed" if status >= 300 else "changes protocol"
        return ClusterError(Meaning.NONSENSE, status, f"HTTP {status}: it {what}: {_SERVER}")
    try:
        body: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = content[:500].decode(errors="replace")
    body = (
        {**body, "message": words(body.get("message"))} if isinstance(body, dict) else words(body)
    )
    meaning = meaning_of(status, body)
    if meaning is Meaning.NOT_SERVED and path.startswith(_ALWAYS_SERVED):
        meaning = Meaning.NONSENSE
    said = body["message"] if isinstance(body, dict) else body
    if is_web_page(said):
        said = f"HTTP {status}, with a web page"
    if meaning is Meaning.NONSENSE:
        said = f"HTTP {status} is not answered as an API server does: {_SERVER}"
    culprit = culprit_of(body, path)
    if meaning is Meaning.NOT_SERVED:
        said, culprit = _unserved(path, str(said))
    return ClusterError(
        meaning,
        status,
        str(said or f"HTTP {status}"),
        object=culprit and words(culprit),
        reading=method == "GET",
        retry_after=_seconds(response.headers.get("Retry-After", "")),
    )


def _unserved(path: str, answer: str) -> tuple[str, str | None]:
    """What is told of a kind that is not served, and the CRD that is to serve it."""
    kind = kind_at(path)
    if kind is None:
        return f"{path} is not served: {answer}", None
    said = f"The cluster does not serve {kind.kind} of {kind.api_version} ({answer})"
    if kind in BUILT_IN:
        return f"{said}.", None
    turn = (
        "whoever operates it has to install the CustomResourceDefinition"
        f" {kind.definition}, or to have it serve {kind.version}."
    )
    return f"{said}: {turn}", f"CustomResourceDefinition/{kind.definition}"


def unanswered(error: Exception) -> ClusterError:
    """No answer, or only a part of one, or none of HTTP."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or "it is none"
        said = f"The API server's certificate does not prove {error.host}: {words(why)}"
        return ClusterError(Meaning.CERTIFICATE, 0, said.rstrip(".") + ".")
    known = next((said for kind, said in _UNANSWERED if isinstance(error, kind)), "")
    if isinstance(error, aiohttp.ClientResponseError):
        return nonsense(f"What answers does not speak HTTP as an API server does: {_SERVER}")
    return ClusterError(Meaning.UNAVAILABLE, 0, known or words(error) or repr(error))


def words(said: object) -> str:
    """As much of a server's words as a row keeps, without what Postgres has no place for."""
    return str(said or "")[:_LONGEST_WORDS].replace("\0", "").strip()


def _is_object(said: Any) -> bool:
    """Whether it has metadata in which names are text, and labels and annotations are mappings."""
    meta = said.get("metadata") if isinstance(said, dict) else None
    return (
        isinstance(meta, dict)
        and all(isinstance(meta.get(key, ""), str) for key in _TEXTS)
        and all(isinstance(meta.get(key) or {}, dict) for key in _MAPPINGS)
        and all(isinstance(said.get(key) or {}, dict) for key in ("spec", "status"))
    )


def _is_stored(said: Any, *, unnamed: bool = False) -> bool:
    """Whether it is an object as an API server has it."""
    meta = said["metadata"] if _is_object(said) else {}
    return bool(meta.get("resourceVersion") and (unnamed or meta.get("name")))


def _seconds(retry_after: str) -> float:
    """API servers give whole seconds (RFC 9110 section 10.2.3 admits a date too)."""
    return min(float(retry_after), _LONGEST_WAIT) if retry_after.isdecimal() else 0.0
