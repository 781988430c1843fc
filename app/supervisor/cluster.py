"""Which cluster `mooring dev` works on, in the words of its kubeconfig.

Only what the screen says and where sandboxes go is read here; speaking to the cluster is the
reconciler's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from app.supervisor.errors import DevError


@dataclass(frozen=True, slots=True)
class Cluster:
    """The current context of a kubeconfig."""

    kubeconfig: Path
    server: str
    namespace: str


def read_cluster(kubeconfig: Path) -> Cluster:
    """The cluster that `kubeconfig` points to.

    Raises:
        DevError: no such file, or no usable current context in it.
    """
    try:
        document = yaml.safe_load(kubeconfig.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DevError(
            f"The kubeconfig {kubeconfig} cannot be read ({type(error).__name__}). "
            "Set MOORING_KUBECONFIG to one that works with kubectl, or unset it for the simulator"
        ) from error
    try:
        context = _named(document["contexts"], document["current-context"])["context"]
        server = _named(document["clusters"], context["cluster"])["cluster"]["server"]
    except (KeyError, TypeError, StopIteration) as error:
        raise DevError(
            f"The kubeconfig {kubeconfig} has no current context with a server. "
            "Choose one: kubectl config use-context NAME"
        ) from error
    return Cluster(kubeconfig.resolve(), str(server), str(context.get("namespace") or "default"))


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
