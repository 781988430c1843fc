"""What a KubeBlocks Cluster and OpsRequest may be: the rules of the CRDs of release 1.0.2.

Only for the fields that we send; texts are those that kube-apiserver gives for a CRD's schema and
for its CEL rules.
"""

from collections.abc import Callable, Iterator

from reconciler.simulator.crd_rules import broken, matching, one_of, text, whole
from reconciler.simulator.names import invalid_value, required
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause

OLD_POLICIES = ("DoNotTerminate", "Halt", "Delete", "WipeOut")
POLICIES = ("DoNotTerminate", "Delete", "WipeOut")
RETENTION = ("Retain", "Delete")
OPERATIONS = (
    *("Upgrade", "VerticalScaling", "VolumeExpansion", "HorizontalScaling", "Restart"),
    *("Reconfiguring", "Start", "Stop", "Expose", "Switchover", "Backup", "Restore"),
    *("RebuildInstance", "Custom"),
)
OLD_OPERATIONS = (
    *("Upgrade", "VerticalScaling", "VolumeExpansion", "HorizontalScaling", "Restart"),
    *("Reconfiguring", "Start", "Stop", "Expose", "Switchover", "DataScript", "Backup"),
    *("Restore", "RebuildInstance", "Custom"),
)
OLD_DEFINITION = r"^[a-z0-9]([a-z0-9\.\-]*[a-z0-9])?$"
DEFINITION = r"^[a-z]([a-z0-9\.\-]*[a-z0-9])?$"
COMPONENT = "^$|^[a-z]([a-z0-9-]*[a-z0-9])?$"
QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
MOST_COMPONENTS = 128
DUPLICATE = "duplicated component"
MIXED = "two kinds of definition API can not be used simultaneously"


def cluster(body: Json) -> list[Cause]:
    return _judged(body, _cluster)


def _judged(body: Json, rules: Callable[[Json], Iterator[Cause]]) -> list[Cause]:
    """What the rules say of the spec; none of these CRDs asks for one."""
    return whole(rules(body["spec"])) if "spec" in body else []


def _cluster(spec: Json) -> Iterator[Cause]:
    yield from text(spec, "clusterDef", "spec", 63, DEFINITION)
    if "componentSpecs" in spec:
        yield from _components(spec)
    yield from _chosen(spec, "terminationPolicy", POLICIES)
    yield from text(spec, "topology", "spec", 32)


def cluster_change(old: Json, body: Json) -> list[Cause]:
    before, after = old.get("spec", {}), body.get("spec", {})
    causes = [
        cause
        for field in ("clusterDef", "topology")
        for cause in _immutable(old, body, field, f"{field} is immutable")
    ]
    if "topology" in before and "topology" not in after:
        causes.append(broken("topology is required once set", "spec"))
    return causes


def old_cluster(body: Json) -> list[Cause]:
    return _judged(body, _old_cluster)


def _old_cluster(spec: Json) -> Iterator[Cause]:
    yield from text(spec, "clusterDefinitionRef", "spec", 63, OLD_DEFINITION)
    yield from text(spec, "clusterVersionRef", "spec", 63, OLD_DEFINITION)
    apart = spec.get("affinity", {}).get("podAntiAffinity", "Preferred")
    yield from one_of(apart, ("Preferred", "Required"), "spec.affinity.podAntiAffinity")
    for index, component in enumerate(spec.get("componentSpecs", ())):
        switch = component.get("switchPolicy", {}).get("type", "Noop")
        where = f"spec.componentSpecs[{index}].switchPolicy.type"
        yield from one_of(switch, ("Noop",), where)
    if any("name" not in component for component in spec.get("componentSpecs", ())):
        rule = f'"array": no such key: name evaluating rule: {DUPLICATE}'
        yield broken(rule, "spec.componentSpecs")
    elif "componentSpecs" in spec:
        yield from _components(spec)
    yield from _chosen(spec, "terminationPolicy", OLD_POLICIES)


def old_cluster_change(old: Json, body: Json) -> list[Cause]:
    return _immutable(old, body, "clusterDefinitionRef", "clusterDefinitionRef is immutable")


def ops_request(body: Json) -> list[Cause]:
    return _judged(body, lambda spec: _chosen(spec, "type", OPERATIONS))


def old_ops_request(body: Json) -> list[Cause]:
    return _judged(body, lambda spec: _chosen(spec, "type", OLD_OPERATIONS))


def ops_request_change(old: Json, body: Json) -> list[Cause]:
    return [
        cause
        for field in ("type", "clusterName", "clusterRef")
        for cause in _immutable(old, body, field, f"forbidden to update spec.{field}")
    ]


def _immutable(old: Json, body: Json, field: str, rule: str) -> list[Cause]:
    """A CEL rule `self == oldSelf` on a text: it holds nothing where one of the two is missing."""
    before, after = old.get("spec", {}).get(field), body.get("spec", {}).get(field)
    if before is None or after is None or before == after:
        return []
    return [invalid_value(f'"{after}"', rule, f"spec.{field}")]


def _chosen(spec: Json, field: str, allowed: tuple[str, ...]) -> Iterator[Cause]:
    where = f"spec.{field}"
    if field in spec:
        yield from one_of(spec[field], allowed, where)
    else:
        yield required(where)


def _components(spec: Json) -> Iterator[Cause]:
    components, at = spec["componentSpecs"], "spec.componentSpecs"
    if not components:
        yield invalid_value("0", f"{at} in body should have at least 1 items", at)
    if len(components) > MOST_COMPONENTS:
        why = f"must have at most {MOST_COMPONENTS} items"
        yield Cause("FieldValueTooMany", f"Too many: {len(components)}: {why}", at)
    names = [component.get("name", "") for component in components]
    if len(set(names)) < len(names):
        yield broken(DUPLICATE, at)
    defined = sum("componentDef" in component for component in components)
    if 0 < defined < len(components):
        yield broken(MIXED, at)
    for index, component in enumerate(components):
        yield from _component(component, f"{at}[{index}]")


def _component(component: Json, at: str) -> Iterator[Cause]:
    yield from text(component, "name", at, 22, COMPONENT)
    yield from text(component, "componentDef", at, 64, DEFINITION)
    yield from text(component, "serviceVersion", at, 32)
    if not isinstance(component["replicas"], int):
        why = f'{at}.replicas in body must be of type int32: "float64"'
        yield Cause("FieldValueTypeInvalid", f'Invalid value: "float64": {why}', f"{at}.replicas")
    elif component["replicas"] < 0:
        why = f"{at}.replicas in body should be greater than or equal to 0"
        yield invalid_value(str(component["replicas"]), why, f"{at}.replicas")
    yield from _quantities(component.get("resources", {}), f"{at}.resources")
    for field, given in component.get("persistentVolumeClaimRetentionPolicy", {}).items():
        where = f"{at}.persistentVolumeClaimRetentionPolicy.{field}"
        yield from one_of(given, RETENTION, where)
    for index, volume in enumerate(component.get("volumeClaimTemplates", ())):
        where = f"{at}.volumeClaimTemplates[{index}]"
        if "name" not in volume:
            yield required(f"{where}.name")
        resources = volume.get("spec", {}).get("resources", {})
        yield from _quantities(resources, f"{where}.spec.resources")


def _quantities(resources: Json, at: str) -> Iterator[Cause]:
    for side in ("limits", "requests"):
        for key, value in resources.get(side, {}).items():
            if isinstance(value, str):
                yield from matching(value, f"{at}.{side}.{key}", QUANTITY)
