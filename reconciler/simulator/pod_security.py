"""Pod Security admission: which pods a namespace's labels let in, and what it warns of.

The checks of k8s.io/pod-security-admission 1.36 at version `latest`, in its order and words, but
those of AppArmor, SELinux, procMount, sysctls, probe hosts and Windows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reconciler.simulator.kinds import NAMESPACE, POD, STATEFUL_SET, Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.status import forbidden
from reconciler.simulator.store import Store

LABEL = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
# What containerd gives a container anyway, in the list of baseline.
DEFAULT_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
        *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
VOLUMES = frozenset(
    (
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    )
)
SECCOMP = ("RuntimeDefault", "Localhost")


@dataclass(frozen=True)
class Policy:
    """As it is printed: `restricted:latest`."""

    level: str
    version: str = "latest"

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"


def enforced(store: Store, kind: Kind, namespace: str, body: Json) -> None:
    """Of a new pod. Raises Refusal 403."""
    if kind is not POD:
        return
    policy = _policy(store, namespace, "enforce")
    why = violations(policy.level, body["spec"])
    if why:
        name = body["metadata"].get("name", "")
        raise forbidden(POD, name, f'violates PodSecurity "{policy}": {why}', [])


def warnings(store: Store, kind: Kind, namespace: str, body: Json) -> list[str]:
    """Of a pod that was let in, or of a workload whose pods may not be."""
    if kind not in (POD, STATEFUL_SET):
        return []
    policy = _policy(store, namespace, "warn")
    why = violations(
        policy.level, body["spec"] if kind is POD else body["spec"]["template"]["spec"]
    )
    return [f'would violate PodSecurity "{policy}": {why}'] if why else []


def _policy(store: Store, namespace: str, mode: str) -> Policy:
    """Warn is as enforce, unless it is set."""
    found = store.get(NAMESPACE, "", namespace)
    labels = found.labels if found else {}
    if mode == "warn" and f"{LABEL}warn" not in labels:
        mode = "enforce"
    level = labels.get(f"{LABEL}{mode}", "privileged")
    # What cannot be read is taken for the strictest.
    known = level if level in LEVELS else "restricted"
    return Policy(known, labels.get(f"{LABEL}{mode}-version", "latest"))


def violations(level: str, spec: Json) -> str:
    """What is wrong with the pod at this level, each with its detail; "" for nothing."""
    checks = {"privileged": (), "baseline": BASELINE, "restricted": RESTRICTED}[level]
    found = [(reason, check(spec)) for reason, check in checks]
    return ", ".join(f"{reason} ({detail})" for reason, detail in found if detail)


# -- checks: the detail, or "" --------------------------------------------------------------------
def _containers(spec: Json) -> list[Json]:
    return [*spec.get("initContainers", ()), *spec.get("containers", ())]


def _named(spec: Json, holds: Callable[[Json], bool]) -> list[str]:
    """The names of the containers whose securityContext is like this."""
    return [one["name"] for one in _containers(spec) if holds(one.get("securityContext", {}))]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _those(names: list[str]) -> str:
    return f"{_plural('container', len(names))} {_quoted(names)}"


def _added_capabilities(spec: Json) -> str:
    return _capabilities(spec, DEFAULT_CAPABILITIES)


def _capabilities(spec: Json, allowed: frozenset[str]) -> str:
    def extra(context: Json) -> set[str]:
        return {*context.get("capabilities", {}).get("add", ())} - allowed

    bad = _named(spec, lambda context: bool(extra(context)))
    found = {name for one in _containers(spec) for name in extra(one.get("securityContext", {}))}
    if not bad:
        return ""
    names = _quoted(sorted(found))
    return f"{_those(bad)} must not include {names} in securityContext.capabilities.add"


def _dropped_capabilities(spec: Json) -> str:
    bad = _named(spec, lambda one: "ALL" not in one.get("capabilities", {}).get("drop", ()))
    missing = f'{_those(bad)} must set securityContext.capabilities.drop=["ALL"]' if bad else ""
    added = _capabilities(spec, frozenset({"NET_BIND_SERVICE"}))
    return "; ".join(filter(None, (missing, added)))


def _host_namespaces(spec: Json) -> str:
    fields = ("hostNetwork", "hostPID", "hostIPC")
    return ", ".join(f"{name}=true" for name in fields if spec.get(name))


def _host_paths(spec: Json) -> str:
    bad = [volume["name"] for volume in spec.get("volumes", ()) if "hostPath" in volume]
    return f"{_plural('volume', len(bad))} {_quoted(bad)}" if bad else ""


def _host_ports(spec: Json) -> str:
    ports = {
        one["name"]: [port["hostPort"] for port in one.get("ports", ()) if port.get("hostPort")]
        for one in _containers(spec)
    }
    bad = [name for name, found in ports.items() if found]
    if not bad:
        return ""
    found = sorted({str(port) for some in ports.values() for port in some})
    uses = "uses" if len(bad) == 1 else "use"
    return f"{_those(bad)} {uses} {_plural('hostPort', len(found))} {', '.join(found)}"


def _privileged(spec: Json) -> str:
    bad = _named(spec, lambda context: bool(context.get("privileged")))
    return f"{_those(bad)} must not set securityContext.privileged=true" if bad else ""


def _escalation(spec: Json) -> str:
    bad = _named(spec, lambda context: context.get("allowPrivilegeEscalation") is not False)
    return f"{_those(bad)} must set securityContext.allowPrivilegeEscalation=false" if bad else ""


def _volume_types(spec: Json) -> str:
    bad = {}
    for volume in spec.get("volumes", ()):
        kinds = [kind for kind in volume if kind != "name"]
        if not VOLUMES.intersection(kinds):
            bad[volume["name"]] = kinds[0] if kinds else "unknown"
    if not bad:
        return ""
    types = sorted(set(bad.values()))
    uses = "uses" if len(bad) == 1 else "use"
    named = f"{_plural('volume', len(bad))} {_quoted(bad)}"
    return f"{named} {uses} {_plural('restricted volume type', len(types))} {_quoted(types)}"


def _root(spec: Json) -> str:
    own = spec.get("securityContext", {}).get("runAsNonRoot")
    setters = ["pod"] if own is False else []
    explicit = _named(spec, lambda context: context.get("runAsNonRoot") is False)
    setters += [_those(explicit)] if explicit else []
    if setters:
        return f"{' and '.join(setters)} must not set securityContext.runAsNonRoot=false"
    silent = [] if own else _named(spec, lambda context: "runAsNonRoot" not in context)
    return f"pod or {_those(silent)} must set securityContext.runAsNonRoot=true" if silent else ""


def _root_user(spec: Json) -> str:
    setters = ["pod"] if spec.get("securityContext", {}).get("runAsUser") == 0 else []
    explicit = _named(spec, lambda context: context.get("runAsUser") == 0)
    setters += [_those(explicit)] if explicit else []
    return f"{' and '.join(setters)} must not set runAsUser=0" if setters else ""


def _seccomp_set(context: Json) -> str:
    kind: str = context.get("seccompProfile", {}).get("type", "")
    return kind


def _bad_seccomp(spec: Json) -> str:
    own = _seccomp_set(spec.get("securityContext", {}))
    bad = _named(spec, lambda context: _seccomp_set(context) not in ("", *SECCOMP))
    values = {_seccomp_set(one.get("securityContext", {})) for one in _containers(spec)} | {own}
    setters = ["pod"] if own not in ("", *SECCOMP) else []
    setters += [_those(bad)] if bad else []
    if not setters:
        return ""
    shown = _quoted(sorted(values - {"", *SECCOMP}))
    return f"{' and '.join(setters)} must not set securityContext.seccompProfile.type to {shown}"


def _no_seccomp(spec: Json) -> str:
    wrong = _bad_seccomp(spec)
    if wrong or _seccomp_set(spec.get("securityContext", {})):
        return wrong
    silent = _named(spec, lambda context: not _seccomp_set(context))
    wanted = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return f"pod or {_those(silent)} {wanted}" if silent else ""


Check = tuple[str, Callable[[Json], str]]
HOST: tuple[Check, ...] = (("host namespaces", _host_namespaces),)
PORTS: tuple[Check, ...] = (("hostPort", _host_ports), ("privileged", _privileged))
# Sorted by the checks' ids, baseline first; restricted overrides three of baseline's.
BASELINE: tuple[Check, ...] = (
    ("non-default capabilities", _added_capabilities),
    *HOST,
    ("hostPath volumes", _host_paths),
    *PORTS,
    ("seccompProfile", _bad_seccomp),
)
RESTRICTED: tuple[Check, ...] = (
    *HOST,
    *PORTS,
    ("allowPrivilegeEscalation != false", _escalation),
    ("unrestricted capabilities", _dropped_capabilities),
    ("restricted volume types", _volume_types),
    ("runAsNonRoot != true", _root),
    ("runAsUser=0", _root_user),
    ("seccompProfile", _no_seccomp),
)
