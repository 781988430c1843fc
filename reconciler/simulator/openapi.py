"""/openapi: enough for kubectl to leave validation to us, and to `explain` fields by type.

kubectl asks whether the PATCH of a kind takes `fieldValidation` and `dryRun`: from 1.27 on in v3,
which is JSON, before in v2, which it takes in protobuf alone. Descriptions are not here, for the
table of fields has none, and v2 has no schemas: so an old kubectl validates nothing by itself.
"""

import hashlib
from collections.abc import Callable
from functools import cache

import orjson

from reconciler.simulator.discovery import VERSION
from reconciler.simulator.kinds import KINDS, Kind
from reconciler.simulator.schema import (
    Atomic,
    Items,
    Json,
    Map,
    Scalar,
    Struct,
    Type,
    of,
)

SCALARS: dict[str, Json] = {
    "string": {"type": "string"},
    "number": {"type": "integer"},
    "bool": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "integer": {"type": "integer"},
    "amount": {"type": "string", "format": "quantity"},
    "bytes": {"type": "string", "format": "byte"},
    "quantity": {"type": "string", "format": "quantity"},
    "any": {"type": "object"},
}
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
QUERIES = ("dryRun", "fieldManager", "fieldValidation", "force")


def index(hidden: Callable[[str], bool]) -> Json:
    kinds = [kind for kind in KINDS if not hidden(kind.api_version)]
    versions = {kind.path.removeprefix("/") for kind in kinds}
    found = {}
    for path in sorted(versions):
        digest = hashlib.sha256(document(path) or b"").hexdigest()[:32].upper()
        found[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": found}


@cache
def document(path: str) -> bytes | None:
    """Of `api/v1` or `apis/group/version`; None when it is not served."""
    kinds = [kind for kind in KINDS if kind.path == f"/{path}"]
    if not kinds:
        return None
    schemas: dict[str, Json] = {}
    for kind in kinds:
        _collect(of(kind.shape), schemas)
        schemas[kind.shape]["x-kubernetes-group-version-kind"] = [_identity(kind)]
    body = {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": {_place(kind): _operations(kind) for kind in kinds},
        "components": {"schemas": schemas},
    }
    return orjson.dumps(body)


def protobuf() -> bytes:
    """v2 as openapiv2.proto of github.com/google/gnostic-models, by its numbers of fields."""
    info = _field(1, b"Kubernetes") + _field(2, VERSION["gitVersion"].encode())
    paths = b"".join(_field(2, _path(kind)) for kind in KINDS)
    return _field(1, b"2.0") + _field(2, info) + _field(8, paths)


def _path(kind: Kind) -> bytes:
    """A NamedPathItem with the operation patch: its queries and, as extension, the kind."""
    found = b"".join(_field(8, _query(name)) for name in QUERIES)
    extension = _field(1, b"x-kubernetes-group-version-kind")
    extension += _field(2, _field(2, orjson.dumps(_identity(kind))))
    return _field(1, _place(kind).encode()) + _field(2, _field(8, found + _field(13, extension)))


def _query(name: str) -> bytes:
    schema = _field(2, b"query") + _field(4, name.encode()) + _field(6, b"string")
    return _field(1, _field(2, _field(3, schema)))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of protobuf."""
    length, size = bytearray(), len(content)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def _identity(kind: Kind) -> Json:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _place(kind: Kind) -> str:
    nested = f"{kind.path}/namespaces/{{namespace}}" if kind.namespaced else kind.path
    return f"{nested}/{kind.plural}/{{name}}"


def _operations(kind: Kind) -> Json:
    reference = {"$ref": f"#/components/schemas/{kind.shape}"}
    answered = {
        "200": {"description": "OK", "content": {"application/json": {"schema": reference}}}
    }
    string = {"type": "string"}
    queries = [{"name": name, "in": "query", "schema": string} for name in QUERIES]
    identity = {"x-kubernetes-group-version-kind": _identity(kind), "responses": answered}
    return {
        "get": {"x-kubernetes-action": "get", **identity},
        "patch": {"x-kubernetes-action": "patch", "parameters": queries, **identity},
    }


def _collect(struct: Struct, schemas: dict[str, Json]) -> None:
    """A struct and all below it, by name; recursive types meet themselves here."""
    if struct.name in schemas:
        return
    schemas[struct.name] = {"type": "object"}
    properties = {name: _schema(kind, schemas) for name, kind in struct.fields.items()}
    schemas[struct.name]["properties"] = properties


def _schema(kind: Type, schemas: dict[str, Json]) -> Json:
    if isinstance(kind, Atomic):
        return _schema(kind.whole, schemas)
    if isinstance(kind, Scalar):
        return SCALARS[kind.kind]
    if isinstance(kind, Map):
        return {"type": "object", "additionalProperties": _schema(kind.value, schemas)}
    if isinstance(kind, Items):
        return {"type": "array", "items": _schema(kind.element, schemas)}
    _collect(kind, schemas)
    return {"allOf": [{"$ref": f"#/components/schemas/{kind.name}"}]}
