"""Request bodies: from bytes to a decoded object of a kind, or the refusal upstream gives."""

from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from reconciler.simulator.decoding import Mismatch, decode
from reconciler.simulator.kinds import BY_NAME, Kind
from reconciler.simulator.schema import Json, of
from reconciler.simulator.status import Refusal, bad_request

# kube-apiserver's MaxRequestBodyBytes.
LIMIT_BYTES = 3 * 2**20
JSON, YAML = "application/json", "application/yaml"
APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
PROTOBUF = "application/vnd.kubernetes.protobuf"
SCHEME = '"pkg/runtime/scheme.go:111"'
UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include"
NO_PROTOBUF = "The simulator reads no protobuf: add `--dry-run=client -o yaml | kubectl apply -f -`"


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
        raise _unrecognized(kind, str(error), data) from None
    if not isinstance(found, dict):
        raise _unrecognized(kind, f"json: cannot unmarshal {type(found).__name__}", data)
    return found


def _unrecognized(kind: Kind, why: str, data: bytes) -> Refusal:
    shown = data.decode(errors="replace")[:100] or "<empty>"
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind.kind}): "
        f"couldn't get version/kind; json parse error: {why} ({shown})"
    )


def typed(kind: Kind, found: Json, validation: str) -> Decoded:
    """By the schema; `validation` is the parameter fieldValidation (Warn, Strict or Ignore)."""
    if kind.custom and not found.get("kind"):
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.kind}): "
            f"Object 'Kind' is missing in '{orjson.dumps(found).decode()}'"
        )
    given = (found.get("apiVersion") or kind.api_version, found.get("kind") or kind.kind)
    if given != (kind.api_version, kind.kind):
        raise _another(kind, *given)
    unknown: list[str] = []
    handled = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
    try:
        body: Json = decode(of(kind.shape), found, unknown)
    except Mismatch as mismatch:
        raise bad_request(f"{handled}: {mismatch.as_decode()}") from None
    body.setdefault("metadata", {})
    warnings = [f'unknown field "{path}"' for path in unknown]
    if warnings and validation == "Strict":
        raise bad_request(f"{handled}: strict decoding error: {', '.join(warnings)}")
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
    if not isinstance(found, dict):
        raise bad_request("error decoding YAML: an object is expected")
    api_version, kind_name = found.get("apiVersion", ""), found.get("kind", "")
    if (api_version, kind_name) != (kind.api_version, kind.kind):
        group, slash, version = str(api_version).rpartition("/")
        shown = f"{group if slash else ''}/{version}, Kind={kind_name}"
        raise bad_request(f"invalid object type: {shown}")
    given = (found.get("metadata") or {}).get("name")
    try:
        body: Json = decode(of(kind.shape), found, None)
    except Mismatch as mismatch:
        typed_name = f"{(found.get('metadata') or {}).get('namespace', '')}/{given or ''}"
        where = f"({typed_name}; {kind.group}/{kind.version}, Kind={kind.kind})"
        message = f"failed to create typed patch object {where}: {mismatch.as_apply()}"
        raise Refusal(500, message) from None
    matching_name(given, name)
    return body


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
