"""The kubeconfig that clients find us by: written whole, mode 0600, once we listen."""

import os
from base64 import b64encode
from pathlib import Path

import orjson

from reconciler.simulator.schema import Json

NAME = "mooring-simulator"
NAMESPACE = "mooring"


def body(url: str, authority: bytes, token: str) -> Json:
    """JSON, so YAML too; everything inline. authority is PEM."""
    cluster = {"server": url, "certificate-authority-data": b64encode(authority).decode()}
    context = {"cluster": NAME, "user": NAME, "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": cluster}],
        "contexts": [{"name": NAME, "context": context}],
        "users": [{"name": NAME, "user": {"token": token}}],
    }


def write(path: Path, url: str, authority: bytes, token: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    file = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(orjson.dumps(body(url, authority, token), option=orjson.OPT_INDENT_2) + b"\n")
    aside.replace(path)
