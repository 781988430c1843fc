"""One request of the recorded list, and the few words that the families write them with.

A request is data: what is sent, which parts of the answer are read, and what of it the next ones
take. `{ns}` is the family's namespace, `{word}` what an earlier request has kept under that word;
both may stand in a path, a query and anywhere in a body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Request:
    """`name` says the behaviour, as what is answered.

    read: paths of the body that must agree (`answer.at`). keep: word to path, for later requests.
    until: ask again until the body has these values, for what a controller does. events: how many
    a watch reads before it is closed; 0 is no watch. token: in place of the server's own
    credential, "" none. user: who is impersonated. accept: the media types that are asked for,
    in place of JSON. forgotten: asks for what a server forgets ten minutes after its start.
    differs: part of the answer (`code`, `message`, `body.PATH`) to the reason why the simulator's
    is another.
    """

    name: str
    method: str
    path: str
    body: Any = None
    media: str = JSON
    query: Mapping[str, str] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    keep: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, Any] = field(default_factory=dict)
    events: int = 0
    token: str | None = None
    user: str = ""
    accept: str = ""
    forgotten: bool = False
    differs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """Requests that are sent one after the other, in a namespace of their own.

    served: a group and version without which they mean nothing; unserved: one with which they do.
    """

    name: str
    requests: tuple[Request, ...]
    served: str = ""
    unserved: str = ""


def core(plural: str) -> str:
    """The path of a collection of the core group in the family's namespace."""
    return f"/api/v1/namespaces/{{ns}}/{plural}"


def grouped(version: str, plural: str) -> str:
    """The same of another group; `version` as in `apps/v1`."""
    return f"/apis/{version}/namespaces/{{ns}}/{plural}"


def get(
    name: str, path: str, *read: str, query: Mapping[str, str] = NOTHING, **more: Any
) -> Request:
    return Request(name, "GET", path, read=read, query=query, **more)


def post(
    name: str, path: str, body: Any, *read: str, query: Mapping[str, str] = NOTHING, **more: Any
) -> Request:
    return Request(name, "POST", path, body, read=read, query=query, **more)


def put(
    name: str, path: str, body: Any, *read: str, query: Mapping[str, str] = NOTHING, **more: Any
) -> Request:
    return Request(name, "PUT", path, body, read=read, query=query, **more)


def patch(
    name: str,
    path: str,
    body: Any,
    *read: str,
    media: str = MERGE,
    query: Mapping[str, str] = NOTHING,
    **more: Any,
) -> Request:
    return Request(name, "PATCH", path, body, media, read=read, query=query, **more)


def apply(
    name: str,
    path: str,
    body: Any,
    *read: str,
    manager: str = "mooring",
    force: bool = False,
    query: Mapping[str, str] = NOTHING,
    **more: Any,
) -> Request:
    """Server-side apply; `path` is the object's."""
    asked = {"fieldManager": manager, **({"force": "true"} if force else {}), **query}
    return Request(name, "PATCH", path, body, APPLY, read=read, query=asked, **more)


def delete(
    name: str,
    path: str,
    options: Any = None,
    *read: str,
    query: Mapping[str, str] = NOTHING,
    **more: Any,
) -> Request:
    return Request(name, "DELETE", path, options, read=read, query=query, **more)


def watch(
    name: str, path: str, events: int, *read: str, query: Mapping[str, str], **more: Any
) -> Request:
    """`read` are paths in each event."""
    asked = {"watch": "true", **query}
    return Request(name, "GET", path, read=read, query=asked, events=events, **more)
