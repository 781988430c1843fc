"""Request bodies: from bytes to a decoded object of a kind, or the refusal upstream gives."""

from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from reconciler.simulator.decoding import GO_NAMES, Mismatch, Unreadable, decode
from reconciler.simulator.kinds import BY_NAME, Kind
from reconciler.simulator.schema import Json, of
from reconciler.simulator.status import Refusal, bad_request, invalid

# kube-apiserver's MaxRequestBodyBytes.
LIMIT_BYTES = 3 * 2**20
SHOWN_BYTES = 30
JSON, YAML = "application/json", "application/yaml"
APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
PROTOBUF = "application/vnd.kubernetes.protobuf"
SCHEME = '"pkg/runtime/scheme.go:111"'
UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include"
NO_PROTOBUF = "The simulator reads no protobuf: add `--dry-run=client -o yaml | kubectl apply -f -`"


class Undecodable(Exception):  # noqa: N818 - becomes an answer, 400 or 422
    """A body that is not of its kind, with the decoder's words."""


@dataclass(frozen=True)
class Decoded:
    """An object, and what was dropped from it: one warning per unknown field."""

    body: Json
    warnings: list[str]


def check_patch(kind: Kind, media: str) -> None:
    """Raises Refusal 415: kinds of a CRD have no strategic merge."""
    patches = (JSON_PATCH, MERGE_PATCH, APPLY) if kind.custom else (JSON_PATCH, MERGE_PATCH)
    if media in patches or (media == STRATEGIC_PATCH and not kind.custom):
        return
    if kind.custom:
        raise Refusal(415, f"{UNKNOWN_FORMAT}: {', '.join(patches)}")
    raise Refusal(415, "415: Unsupported Media Type", details={})


def as_json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:
        raise bad_request("error decoding patch: unexpected end of JSON input") from None


def parsed(data: bytes, content_type: str, kind: Kind) -> Any:
    """A create's or update's body as it came."""
    media = content_type.partition(";")[0].strip()
    if media not in ("", JSON, YAML):
        hint = f". {NO_PROTOBUF}" if media == PROTOBUF else ""
        raise Refusal(415, f"{UNKNOWN_FORMAT}: {JSON}, {YAML}, {PROTOBUF}{hint}")
    try:
        found = orjson.loads(data) if media != YAML else yaml.safe_load(data)
    except (ValueError, yaml.YAMLError) as error:
        raise _unrecognized(kind, syntax_fault(error), data) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _unrecognized(kind, f"json: cannot unmarshal {type(found).__name__}", data)
    return found


def syntax_fault(error: Exception) -> str:
    """What a parser says; where JSON ends early, in Go's words."""
    text = str(error)
    early = "unexpected end of data" in text or "empty document" in text
    return "unexpected end of JSON input" if early else text


def _unrecognized(kind: Kind, why: str, data: bytes) -> Refusal:
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind.kind}): "
        f"couldn't get version/kind; json parse error: {why} ({_summary(data)})"
    )


def _summary(data: bytes) -> str:
    start = data[:SHOWN_BYTES]
    shown = start.decode(errors="replace") if data.startswith(b"{") else start.hex() or "<empty>"
    return f"{shown} ..." if len(data) > SHOWN_BYTES else shown


def typed(kind: Kind, found: Json, validation: str) -> Decoded:
    """By the schema; `validation` is the parameter fieldValidation (Warn, Strict or Ignore)."""
    if kind.custom and not found.get("kind"):
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.kind}): "
            f"Object 'Kind' is missing in '{orjson.dumps(found).decode()}'"
            f" ({_summary(orjson.dumps(found))})"
        )
    given = (found.get("apiVersion") or kind.api_version, found.get("kind") or kind.kind)
    if given != (kind.api_version, kind.kind):
        raise _another(kind, *given)
    try:
        return read(kind, found, validation)
    except Undecodable as error:
        handled = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
        raise bad_request(f"{handled}: {error}") from None


def read(kind: Kind, found: Json, validation: str) -> Decoded:
    """An object of this kind. Raises Undecodable."""
    unknown: list[str] = []
    try:
        body: Json = decode(of(kind.shape), found, unknown)
    except Mismatch as mismatch:
        if kind.custom and mismatch.path[:1] != ("f:metadata",):
            name = str((found.get("metadata") or {}).get("name", ""))
            raise invalid(kind, name, mismatch.as_schema()) from None
        raise Undecodable(mismatch.as_decode()) from None
    body.setdefault("metadata", {})
    warnings = [f'unknown field "{path}"' for path in unknown]
    if warnings and validation == "Strict":
        raise Undecodable(f"strict decoding error: {', '.join(warnings)}")
    identity = {"kind": kind.kind, "apiVersion": kind.api_version}
    return Decoded({**identity, **body}, [] if validation == "Ignore" else warnings)


def _another(kind: Kind, api_version: str, name: str) -> Refusal:
    """A body of another kind, or of one that nobody knows."""
    if kind.custom and api_version != kind.api_version:
        return bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version"
            f" ({kind.api_version})"
        )
    version = api_version.rpartition("/")[2]
    why = f'no kind "{name}" is registered for version "{api_version}" in scheme {SCHEME}'
    if (api_version, name) in BY_NAME:
        group = kind.group.partition(".")[0] or "core"
        why = f"converting ({version}.{name}) to ({group}.{kind.kind}): unknown conversion"
    return bad_request(f'{name} in version "{version}" cannot be handled as a {kind.kind}: {why}')


def applied(kind: Kind, name: str, data: bytes) -> Json:
    """The body of a server-side apply: YAML, of which JSON is a part.

    Raises Refusal: 400, or 500 for what the schema does not know.
    """
    found = _yaml(data)
    found = {} if found is None else found
    if not isinstance(found, dict):
        got = GO_NAMES.get(type(found), "number")
        raise bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot"
            f" unmarshal {got} into Go value of type map[string]interface {{}}"
        )
    api_version, kind_name = found.get("apiVersion", ""), found.get("kind", "")
    if (api_version, kind_name) != (kind.api_version, kind.kind):
        group, slash, version = str(api_version).rpartition("/")
        shown = f"{group if slash else ''}/{version}, Kind={kind_name}"
        raise bad_request(f"invalid object type: {shown}")
    given = (found.get("metadata") or {}).get("name")
    try:
        body: Json = decode(of(kind.shape), found, None)
    except Unreadable as unreadable:
        message = (
            f"failed to convert new object ({_shown(kind, found)}) to proper version: unable to"
            f" convert unstructured object to {_version_kind(kind)}: {unreadable.applied}"
        )
        raise Refusal(500, message) from None
    except Mismatch as mismatch:
        where = _shown(kind, found)
        message = f"failed to create typed patch object ({where}): {mismatch.as_apply()}"
        raise Refusal(500, message) from None
    matching_name(given, name)
    return body


def _shown(kind: Kind, found: Json) -> str:
    meta = found.get("metadata") or {}
    return f"{meta.get('namespace', '')}/{meta.get('name', '')}; {_version_kind(kind)}"


def _version_kind(kind: Kind) -> str:
    return f"{kind.group}/{kind.version}, Kind={kind.kind}"


def _yaml(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as error:
        text = str(error).replace("\n", " ")
        message = f"error decoding YAML: error converting YAML to JSON: yaml: {text}"
        raise bad_request(message) from None


def matching_name(given: str | None, name: str) -> None:
    if not given:
        raise bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: "
            "name must be provided"
        )
    if given != name:
        message = f"the name of the object ({given}) does not match the name on the URL ({name})"
        raise bad_request(message)
