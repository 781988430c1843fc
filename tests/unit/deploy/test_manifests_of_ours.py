"""deploy/kubernetes says what the code, the settings and the Dockerfile say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import SecretStr

from app.cli import cli
from app.settings import Settings
from reconciler.manifests.kinds import Object
from reconciler.manifests.permissions import in_cluster, in_namespace, missing, older

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
GUIDE = ROOT / "docs" / "guide" / "operating.md"
DOCKERFILE = (ROOT / "Dockerfile").read_text()

RECONCILER = "mooring-reconciler"
_SETTING = re.compile(r"\bMOORING_[A-Z_]+[A-Z]\b")
# What a pod of Pod Security `restricted` says, and one that writes to no disk.
CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def objects() -> Iterator[Object]:
    """All objects of all files, but for kustomizations."""
    for file in sorted(FOLDER.rglob("*.yaml")):
        if file.name != "kustomization.yaml":
            yield from yaml.safe_load_all(file.read_text())


def of_kind(*kinds: str) -> list[Object]:
    return [body for body in objects() if body["kind"] in kinds]


def workloads() -> list[Any]:
    bodies = of_kind("Deployment", "Job")
    return [pytest.param(body, id=body["metadata"]["name"]) for body in bodies]


def pairs(rules: list[Object]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_role_allows_just_what_the_reconciler_does_in_a_namespace() -> None:
    [role] = [body for body in of_kind("Role") if body["metadata"]["name"] == RECONCILER]
    needs = in_namespace()

    assert pairs(role["rules"]) == {(n.kind.group, n.kind.plural, n.verb) for n in needs}
    assert missing(needs, role["rules"]) == []


def test_the_cluster_role_allows_just_what_it_does_with_namespaces_of_accounts() -> None:
    [role] = [b for b in of_kind("ClusterRole") if b["metadata"]["name"] == RECONCILER]

    assert pairs(role["rules"]) == {(n.kind.group, n.kind.plural, n.verb) for n in in_cluster()}


@pytest.mark.parametrize("kind", ["Role", "ClusterRole"])
def test_of_an_older_kubeblocks_the_other_role_allows_the_rest(kind: str) -> None:
    roles = {body["metadata"]["name"]: body["rules"] for body in of_kind(kind)}
    both = roles[RECONCILER] + roles[f"{RECONCILER}-older-kubeblocks"]

    assert missing([*in_namespace(), *older()], both) == []
    assert missing(older(), roles[RECONCILER])


@pytest.mark.parametrize("workload", workloads())
def test_a_pod_is_what_the_image_gives_and_has_no_right_that_it_needs_not(workload: Object) -> None:
    pod = workload["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [user, group] = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[0]
    commands = typer.main.get_command(cli).commands  # type: ignore[attr-defined]

    assert container["image"] == "mooring"  # named by the kustomization
    assert "command" not in container  # the image's
    assert container["args"][0] in commands
    assert container["securityContext"] == CONFINED
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    speaks = pod["serviceAccountName"] == "mooring-reconciler"
    assert speaks == (workload["metadata"]["name"] == "mooring-reconciler")
    assert speaks or pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("workload", workloads())
def test_its_selectors_select_it_and_nothing_else(workload: Object) -> None:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    name = workload["metadata"]["name"]
    theirs = [
        body["spec"]["selector"].get("matchLabels", body["spec"]["selector"])
        for body in of_kind("Deployment", "Service", "PodDisruptionBudget")
        if body["metadata"]["name"] == name
    ]

    assert all(selector == labels for selector in theirs)
    assert len(theirs) == {"mooring-api": 3, "mooring-reconciler": 2, "mooring-migrate": 0}[name]


@pytest.mark.parametrize("workload", workloads())
def test_probes_ask_the_port_on_which_the_process_answers(workload: Object) -> None:
    [container] = workload["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
    probes = [probe["httpGet"] for name, probe in container.items() if name.endswith("Probe")]
    [exposed] = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    given = {one["name"]: one["value"] for one in container.get("env", ())}

    answers = {"http": int(exposed), "health": int(given.get("MOORING_HEALTH_PORT", 0))}
    assert all(ports[probe["port"]] == answers[probe["port"]] for probe in probes)
    assert len(probes) == (0 if workload["kind"] == "Job" else 3)


def test_the_migration_stays_as_it_is_whatever_becomes_of_the_settings() -> None:
    [job] = of_kind("Job")
    [container] = job["spec"]["template"]["spec"]["containers"]

    # A Job is immutable, and kustomize renames a ConfigMap with its values.
    assert [list(source) for source in container["envFrom"]] == [["secretRef"]]
    # docs/guide/operating.md makes other Jobs from it, long after.
    assert "ttlSecondsAfterFinished" not in job["spec"]


def test_there_is_a_way_to_the_api_by_an_ingress_and_by_the_guides_gateway() -> None:
    [ingress], [route], [service] = of_kind("Ingress"), of_kind("HTTPRoute"), of_kind("Service")
    yamls = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    told = {
        (body["kind"], body["metadata"]["name"]): body
        for block in yamls
        for body in yaml.safe_load_all(block)
    }
    [parent] = route["spec"]["parentRefs"]
    gateway = told["Gateway", parent["name"]]
    listeners = {one["name"]: one for one in gateway["spec"]["listeners"]}
    listener = listeners[parent["sectionName"]]

    assert gateway["metadata"]["namespace"] == parent["namespace"]
    assert ("GatewayClass", gateway["spec"]["gatewayClassName"]) in told
    assert [listener["hostname"]] == route["spec"]["hostnames"]
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == route["spec"]["hostnames"]
    [rule] = route["spec"]["rules"]
    port = service["spec"]["ports"][0]["port"]
    assert rule["backendRefs"] == [{"name": service["metadata"]["name"], "port": port}]
    assert rule["timeouts"] == {"request": "0s"}
    for one in listeners.values():
        [reference] = one["tls"]["certificateRefs"]
        certificate = told["Certificate", reference["name"]]
        assert certificate["spec"]["dnsNames"] == [one["hostname"]]
        assert certificate["metadata"]["namespace"] == parent["namespace"]


def test_no_value_of_a_secret_is_in_it() -> None:
    secrets = {
        f"MOORING_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if field.annotation in (SecretStr, SecretStr | None)
    }
    containers = [
        container
        for workload in of_kind("Deployment", "Job")
        for container in workload["spec"]["template"]["spec"]["containers"]
    ]
    plain = {one["name"] for container in containers for one in container.get("env", ())}
    files = [file.read_text() for file in FOLDER.rglob("*.env")]

    assert of_kind("Secret") == []
    assert not secrets & plain
    assert not secrets & set(_SETTING.findall("\n".join(files)))


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("*.*")), ids=lambda it: it.name)
def test_every_setting_that_is_named_exists(file: Path) -> None:
    named = {name.removeprefix("MOORING_").lower() for name in _SETTING.findall(file.read_text())}

    assert named <= Settings.model_fields.keys()


def test_the_settings_of_the_example_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (FOLDER / "example" / "settings.env").read_text().splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)

    settings = Settings.load()

    assert settings.sandbox_domain == "apps.example.com"
