"""Print what the reconciler applies for a sandbox, under all settings that change its kinds.

For tools/deploy-check, which holds it against the schemas of several releases of Kubernetes.
"""
# ruff: noqa: T201 - a command that prints

import yaml

from app.settings import Settings
from reconciler.manifests.sandbox import objects
from reconciler.manifests.workload import probe_pod
from tests.unit.reconciler.sandbox import sandbox

SETTINGS = (
    Settings(
        route_tls="cert-manager", route_issuer="acme", ingress_class="edge", storage_class="fast"
    ),
    Settings(route_mode="gateway", gateway_name="edge", gateway_namespace="edge"),
    Settings(ingress_class="edge", ingress_class_annotation=True, ingress_namespaces=["edge"]),
)


def main() -> None:
    """All objects as YAML documents."""
    bodies = [body for settings in SETTINGS for body in objects(sandbox(), settings)]
    pods = [probe_pod(body) for body in bodies if body["kind"] == "StatefulSet"]
    print(yaml.safe_dump_all([*bodies, *pods], sort_keys=False))


if __name__ == "__main__":
    main()
