"""What an HTTPRoute may be: the rules of Gateway API 1.6.1 for the fields that we send."""

from collections.abc import Iterator

from reconciler.simulator import crd_rules
from reconciler.simulator.names import required
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
HOST = rf"^(\*\.)?{LABEL}(\.{LABEL})*$"
DURATION = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"


def http_route(body: Json) -> list[Cause]:
    return crd_rules.whole(_route(body))


def _route(body: Json) -> Iterator[Cause]:
    if "spec" not in body:
        yield required("spec")
        return
    for place, host in enumerate(body["spec"].get("hostnames", ())):
        yield from crd_rules.matching(host, f"spec.hostnames[{place}]", HOST)
    for place, rule in enumerate(body["spec"].get("rules", ())):
        yield from _rule(rule, f"spec.rules[{place}]")


def _rule(rule: Json, at: str) -> Iterator[Cause]:
    for place, backend in enumerate(rule.get("backendRefs", ())):
        where = f"{at}.backendRefs[{place}]"
        if "port" in backend:
            yield from crd_rules.within(backend["port"], f"{where}.port", 1, 65535)
        elif backend.get("kind", "Service") == "Service" and not backend.get("group"):
            yield crd_rules.broken("Must have port for Service reference", where)
    for name, value in sorted(rule.get("timeouts", {}).items()):
        yield from crd_rules.matching(value, f"{at}.timeouts.{name}", DURATION)
