"""What a Service, an Ingress and a NetworkPolicy may be."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import orjson

from reconciler.simulator.names import (
    invalid_value,
    label_faults,
    required,
    subdomain_faults,
    unsupported,
)
from reconciler.simulator.schema import Json
from reconciler.simulator.status import Cause

SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
Network = IPv4Network | IPv6Network

PROTOCOLS = ("TCP", "UDP", "SCTP")
NO_BLOCK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def service(body: Json) -> list[Cause]:
    spec = body["spec"]
    ports = spec.get("ports", [])
    causes = []
    if spec["type"] not in SERVICE_TYPES:
        causes.append(unsupported(spec["type"], SERVICE_TYPES, "spec.type"))
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        causes.append(required("spec.ports"))
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        if len(ports) > 1 and not port.get("name"):
            causes.append(required(f"{at}.name"))
        causes += _port(port, at, ports[:index])
    for index, port in enumerate(ports):
        same = [one for one in ports[:index] if _number(one) == _number(port)]
        if same:
            shown = f'"Protocol":"{port["protocol"]}","AppProtocol":null,"Port":{port["port"]}'
            text = f'Duplicate value: {{"Name":"",{shown},"TargetPort":0,"NodePort":0}}'
            causes.append(Cause("FieldValueDuplicate", text, f"spec.ports[{index}]"))
    return causes


def _port(port: Json, at: str, before: list[Json]) -> list[Cause]:
    causes = []
    name = port.get("name", "")
    faults = label_faults(name) if name else []
    causes += [invalid_value(f'"{name}"', fault, f"{at}.name") for fault in faults]
    if name and any(one.get("name") == name for one in before):
        causes.append(Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{at}.name"))
    for field in ("port", "targetPort"):
        number = port.get(field, 0)
        if isinstance(number, int) and not 1 <= number <= 65535:
            why = "must be between 1 and 65535, inclusive"
            causes.append(invalid_value(str(number), why, f"{at}.{field}"))
    return causes


def _number(port: Json) -> tuple[str, int]:
    return port["protocol"], port.get("port", 0)


def service_change(old: Json, body: Json) -> list[Cause]:
    before, after = old["spec"].get("clusterIP"), body["spec"].get("clusterIP")
    if not before or before == after:
        return []
    shown = orjson.dumps([after]).decode()
    return [invalid_value(shown, "may not change once set", "spec.clusterIPs[0]")]


def ingress(body: Json) -> list[Cause]:
    spec = body.get("spec", {})
    if not spec.get("rules") and "defaultBackend" not in spec:
        why = "either `defaultBackend` or `rules` must be specified"
        return [invalid_value("null", why, "spec")]
    causes = []
    for index, rule in enumerate(spec.get("rules", ())):
        if rule.get("host"):
            causes += _host(rule["host"], f"spec.rules[{index}].host")
        for place, path in enumerate(rule.get("http", {}).get("paths", ())):
            causes += _path(path, f"spec.rules[{index}].http.paths[{place}]")
    chosen = spec.get("ingressClassName")
    faults = subdomain_faults(chosen) if chosen else []
    return causes + [invalid_value(f'"{chosen}"', why, "spec.ingressClassName") for why in faults]


def ingress_warnings(body: Json) -> list[str]:
    """As it is created."""
    key = "kubernetes.io/ingress.class"
    if key not in body["metadata"].get("annotations", {}):
        return []
    return [f"annotation \"{key}\" is deprecated, please use 'spec.ingressClassName' instead"]


def _host(host: str, at: str) -> list[Cause]:
    try:
        ip_address(host)
    except ValueError:
        bare = host.removeprefix("*.")
        return [invalid_value(f'"{host}"', fault, at) for fault in subdomain_faults(bare)]
    return [invalid_value(f'"{host}"', "must be a DNS name, not an IP address", at)]


def _path(path: Json, at: str) -> list[Cause]:
    kind, where, causes = path.get("pathType"), path.get("path", ""), []
    if not kind:
        causes.append(required(f"{at}.pathType", "pathType must be specified"))
    elif kind not in PATH_TYPES:
        causes.append(unsupported(kind, PATH_TYPES, f"{at}.pathType"))
    elif kind != "ImplementationSpecific" and not where.startswith("/"):
        causes.append(invalid_value(f'"{where}"', "must be an absolute path", f"{at}.path"))
    target = path.get("backend", {}).get("service", {})
    if target and not target.get("port"):
        causes.append(required(f"{at}.backend", "port name or number is required"))
    return causes


def network_policy(body: Json) -> list[Cause]:
    causes = []
    for side, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(body.get("spec", {}).get(side, ())):
            at = f"spec.{side}[{index}]"
            for place, port in enumerate(rule.get("ports", ())):
                if port["protocol"] not in PROTOCOLS:
                    where = f"{at}.ports[{place}].protocol"
                    causes.append(unsupported(port["protocol"], PROTOCOLS, where))
            for place, peer in enumerate(rule.get(peers, ())):
                causes += _block(peer.get("ipBlock"), f"{at}.{peers}[{place}].ipBlock")
    return causes


def _block(block: Json | None, at: str) -> list[Cause]:
    if block is None:
        return []
    outer = _network(block.get("cidr", ""))
    if outer is None:
        return [invalid_value(f'"{block.get("cidr", "")}"', NO_BLOCK, f"{at}.cidr")]
    causes = []
    for index, text in enumerate(block.get("except", ())):
        inner, where = _network(text), f"{at}.except[{index}]"
        if inner is None:
            causes.append(invalid_value(f'"{text}"', NO_BLOCK, where))
        elif inner == outer or not _inside(inner, outer):
            why = "must be a strict subset of `cidr`"
            causes.append(invalid_value(f'"{text}"', why, where))
    return causes


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _inside(inner: Network, outer: Network) -> bool:
    if inner.version != outer.version or inner.prefixlen < outer.prefixlen:
        return False
    return inner.network_address in outer
