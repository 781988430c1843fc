"""What is recorded of an answer: the parts that a client decides by, without what is volatile.

    {"code": 409, "reason": "Conflict", "message": …, "details": …, "warnings": […],
     "body": {"spec.replicas": 1}, "events": […]}

A Status is recorded with its reason, message and details; of any other body only what the request
reads. Words that were kept, and the namespace, stand as `{word}`; other uids, times and versions as
`<uid>`, `<time>`, `<version>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from tests.differential.request import Json, Request

_UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# Where texts name a version; elsewhere a number is a number.
_VERSION = re.compile(
    r"(?<=current: )\d+|(?<=in record \()\d+|(?<=too old resource version: )\d+ \(\d+\)"
    r'|(?<="resourceVersion\\":\\")\d+'
)
# Shorter words, as versions are, may be in any text by chance.
_LONG = 6
_STEP = re.compile(r"([^.\[\]]+)|\[(\w+)=([^\]]*)\]")


def at(tree: Any, path: str) -> Any:
    """What is at a path such as `spec.ports[name=app].port`, or `items.*.kind` of each; None when
    there is nothing. The empty path is the whole.
    """
    steps = list(_STEP.finditer(path))
    for number, step in enumerate(steps):
        plain, key, value = step.groups()
        if plain == "*":
            below = path[step.end() :].lstrip(".")
            items = tree.values() if isinstance(tree, dict) else tree or []
            return [at(item, below) for item in items]
        if key is not None:
            found = tree if isinstance(tree, list) else []
            tree = next((item for item in found if str(item.get(key)) == value), None)
        elif isinstance(tree, list):
            place = int(plain)
            tree = tree[place] if place < len(tree) else None
        else:
            tree = tree.get(plain) if isinstance(tree, dict) else None
        assert number < len(steps)
    return tree


def recorded(
    request: Request,
    code: int,
    headers: Mapping[str, list[str]],
    content: bytes,
    words: Mapping[str, str],
) -> Json:
    """The parts of one answer."""
    parts: Json = {"code": code}
    body = parsed(content)
    if isinstance(body, dict) and body.get("kind") == "Status":
        said = {key: body[key] for key in ("reason", "message", "details") if key in body}
        parts |= _each_cause_once(said)
    elif not isinstance(body, dict):
        parts["text"] = body
    if headers.get("Warning"):
        parts["warnings"] = headers["Warning"]
    if headers.get("Retry-After"):
        parts["retryAfter"] = headers["Retry-After"][0]
    if request.read and isinstance(body, dict):
        parts["body"] = {path: at(body, path) for path in request.read}
    settled: Json = plain(parts, words)
    return settled


def _each_cause_once(said: Json) -> Json:
    """Upstream looks at metadata two to four times, and repeats what it finds."""
    causes = said.get("details", {}).get("causes")
    if causes is None:
        return said
    once = [cause for place, cause in enumerate(causes) if cause not in causes[:place]]
    if all(cause.get("reason") == "FieldManagerConflict" for cause in once):
        # Those of several managers come in any order.
        once.sort(key=lambda cause: str(cause.get("field")))
    return {**said, "details": {**said["details"], "causes": once}}


def recorded_events(request: Request, lines: list[bytes], words: Mapping[str, str]) -> Json:
    """The parts of a watch's answer: of each event what is read."""
    events = [orjson.loads(line) for line in lines]
    shown = [{path: at(event, path) for path in ("type", *request.read)} for event in events]
    settled: Json = plain({"code": 200, "events": shown}, words)
    return settled


def parsed(content: bytes) -> Any:
    """JSON, or the text."""
    try:
        return orjson.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def plain(tree: Any, words: Mapping[str, str]) -> Any:
    """The same without what is volatile."""
    if isinstance(tree, dict):
        return {
            _text(key, words): "<version>"
            if key == "resourceVersion" and item
            else plain(item, words)
            for key, item in tree.items()
        }
    if isinstance(tree, list):
        return [plain(item, words) for item in sorted(tree, key=_writer)]
    return _text(tree, words) if isinstance(tree, str) else tree


def _writer(item: Any) -> str:
    """Of managedFields the manager, for their order is that of seconds; other lists stay."""
    owned = isinstance(item, dict) and "fieldsV1" in item
    return f"{item['manager']} {item['operation']}" if owned else ""


def _text(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        if text == value:
            return f"{{{word}}}"
        if len(value) >= _LONG:
            text = text.replace(value, f"{{{word}}}")
    return _VERSION.sub("<version>", _TIME.sub("<time>", _UID.sub("<uid>", text)))


def parts_of(answer: Json) -> Json:
    """Flat, as differences name them: `code`, `message`, `body.spec.replicas`."""
    flat = {key: value for key, value in answer.items() if key != "body"}
    return flat | {f"body.{path}": value for path, value in answer.get("body", {}).items()}
