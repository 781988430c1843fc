"""The reconciler's own rights, as Roles of deploy/kubernetes, from the table of what it does."""

import yaml

from reconciler.manifests.kinds import Object
from reconciler.manifests.permissions import Need, beside, in_cluster, in_namespace, rules

NOTE = "# Written by `make reference` from reconciler/manifests/permissions.py: change that.\n"
_NAME = "mooring-reconciler"


def files() -> dict[str, str]:
    """Every Role by its file."""
    namespaced: Object = {"name": _NAME, "namespace": "mooring"}
    older: Object = {"name": f"{_NAME}-older-kubeblocks"}
    in_one: Object = {**older, "namespace": "mooring"}
    return {
        "namespace-per-account/role.yaml": _role("ClusterRole", {"name": _NAME}, in_cluster()),
        "older-kubeblocks-per-account/role.yaml": _role("ClusterRole", older, beside(in_cluster())),
        "one-namespace/role.yaml": _role("Role", namespaced, in_namespace()),
        "older-kubeblocks/role.yaml": _role("Role", in_one, beside(in_namespace())),
    }


def _role(kind: str, metadata: Object, needs: list[Need]) -> str:
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata}
    said = yaml.safe_dump(head, sort_keys=False) + "rules:\n"
    for rule in rules(needs):
        lines = yaml.safe_dump(rule, sort_keys=False, default_flow_style=None, width=90)
        said += "".join(
            f"{'  - ' if not number else '    '}{line}\n"
            for number, line in enumerate(lines.splitlines())
        )
    return said
