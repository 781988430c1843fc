"""Kubeconfigs for tests: a good one as a tree, and ways to make it a bad one."""

import base64
import copy
from typing import Any

from tests.certificates import authority, signed

Tree = dict[str, Any]


def data(pem: str) -> str:
    """As a kubeconfig holds PEM."""
    return base64.b64encode(pem.encode()).decode()


def good(server: str = "https://kube.example.com:6443", token: str = "s3cr3t-t0ken") -> Tree:
    """The smallest that is accepted."""
    cluster = {"server": server, "certificate-authority-data": data(authority())}
    context = {"cluster": "c", "user": "u", "namespace": "team-a"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "here", "context": context}],
        "users": [{"name": "u", "user": {"token": token}}],
    }


def with_certificate(server: str = "https://kube.example.com:6443") -> Tree:
    """One with a client certificate in place of the token."""
    pair = signed("user")
    tree = good(server)
    tree["users"][0]["user"] = {
        "client-certificate-data": data(pair.certificate),
        "client-key-data": data(pair.key),
    }
    return tree


def changed(tree: Tree, *path: str | int, to: Any) -> Tree:
    """A copy in which what is at `path` is another thing; `to` Ellipsis: nothing."""
    made = copy.deepcopy(tree)
    *way, last = path
    at: Any = made
    for step in way:
        at = at[step]
    if to is ...:
        del at[last]
    elif isinstance(at, list) and last == len(at):
        at.append(to)
    else:
        at[last] = to
    return made
