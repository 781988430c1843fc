"""The objects of a sandbox: what section 3 of the Kubernetes page asks of each field."""

import base64
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.names import object_name, slug, slug_of
from app.settings import Settings
from reconciler.manifests import parts, sealos
from reconciler.manifests.kinds import HTTP_ROUTE, INGRESS, NETWORK_POLICY
from reconciler.manifests.routes import addresses
from reconciler.manifests.sandbox import objects
from reconciler.manifests.workload import Claimed, claimed, probe_pod
from tests.unit.reconciler.sandbox import ID, sandbox

SETTINGS = Settings(gateway_name="edge")


def made(settings: Settings = SETTINGS, **changed: Any) -> dict[str, Any]:
    bodies = objects(sandbox(**changed), settings)
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in bodies}


def test_all_objects_in_the_order_in_which_they_are_applied() -> None:
    assert list(made()) == [
        "Secret/shop-abcdefgh-env",
        "Service/shop-abcdefgh",
        "StatefulSet/shop-abcdefgh",
        "Ingress/shop-abcdefgh-app",
        "Ingress/shop-abcdefgh-ttyd",
        "NetworkPolicy/shop-abcdefgh",
    ]


def test_every_object_says_whose_it_is() -> None:
    for body in made().values():
        labels = body["metadata"]["labels"]
        assert labels["mooring.dev/resource"] == str(ID)
        assert labels["app.kubernetes.io/managed-by"] == "mooring"
        assert body["metadata"]["annotations"]["mooring.dev/generation"] == "2"


def test_the_pod_passes_the_restricted_standard() -> None:
    pod = made()["StatefulSet/shop-abcdefgh"]["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in (*pod["containers"], *pod["initContainers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def test_no_password_stands_outside_the_secret() -> None:
    bodies = made(ttyd_password="canary-7")
    data = bodies.pop("Secret/shop-abcdefgh-env")["data"]

    assert base64.b64decode(data["TTYD_PASSWORD"]) == b"canary-7"
    assert "canary-7" not in str(bodies)
    assert "canary-7" not in repr(sandbox(ttyd_password="canary-7"))


def test_a_changed_environment_rolls_the_pod_and_an_unchanged_one_does_not() -> None:
    def template(**changed: Any) -> Any:
        return made(**changed)["StatefulSet/shop-abcdefgh"]["spec"]["template"]

    assert template() == template(replicas=0)
    assert template() != template(environment=(("A", "b"),))


def test_the_generation_does_not_roll_the_pod() -> None:
    template = made()["StatefulSet/shop-abcdefgh"]["spec"]["template"]

    assert "mooring.dev/generation" not in template["metadata"]["annotations"]


def test_a_gateway_gets_routes_without_a_time_limit_for_the_terminal() -> None:
    bodies = made(Settings(route_mode="gateway", gateway_name="edge"))

    [rule] = bodies["HTTPRoute/shop-abcdefgh-ttyd"]["spec"]["rules"]
    assert rule["timeouts"] == {"request": "0s"}
    assert not any(name.startswith("Ingress/") for name in bodies)


def test_the_addresses_hold_no_credential() -> None:
    where = addresses("shop-abcdefgh", "example.test", SETTINGS)

    assert where.public_url == "http://shop-abcdefgh-app.example.test"
    assert where.ttyd_url == "http://shop-abcdefgh-ttyd.example.test"


def test_a_request_is_never_above_its_limit() -> None:
    pod = made(cpu="10m", memory="32Mi")["StatefulSet/shop-abcdefgh"]["spec"]["template"]["spec"]

    assert pod["containers"][0]["resources"]["requests"] == {"cpu": "10m", "memory": "25Mi"}


def test_the_dry_run_asks_for_the_pod_that_the_workload_makes() -> None:
    workload = made()["StatefulSet/shop-abcdefgh"]

    pod = probe_pod(workload)

    template = workload["spec"]["template"]["spec"]
    assert {name: pod["spec"][name] for name in template} == template


@given(st.text(max_size=200))
def test_any_project_name_makes_a_label_of_at_most_29_characters(name: str) -> None:
    made_name = object_name(name)

    assert len(made_name) <= 29
    assert made_name[0].isalpha()
    assert made_name.isascii()
    assert made_name.replace("-", "").isalnum()
    assert made_name == made_name.lower()
    assert slug_of(made_name) == slug(name)


def test_an_opened_port_has_a_route_and_the_pod_does_not_know_of_it() -> None:
    bodies = made(ports=(8080,))

    [rule] = bodies["Ingress/shop-abcdefgh-p8080"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert rule["host"] == "shop-abcdefgh-p8080.example.test"
    assert path["backend"]["service"]["port"] == {"name": "p8080"}
    listed = bodies["Service/shop-abcdefgh"]["spec"]["ports"]
    assert listed[2] == {"name": "p8080", "port": 8080, "targetPort": 8080, "protocol": "TCP"}
    [arriving] = bodies["NetworkPolicy/shop-abcdefgh"]["spec"]["ingress"]
    assert [port["port"] for port in arriving["ports"]] == [3000, 7681, 8080]
    without = made()["StatefulSet/shop-abcdefgh"]["spec"]
    assert bodies["StatefulSet/shop-abcdefgh"]["spec"] == without


def test_what_may_go_is_named_on_the_workload_and_found_when_it_is_wanted_no_more() -> None:
    workload = made(ports=(8080,))["StatefulSet/shop-abcdefgh"]

    assert parts.unwanted(workload, made(ports=(8080,)).values(), anew=False) == []
    assert parts.unwanted(workload, made().values(), anew=False) == [INGRESS]
    gateway = Settings(route_mode="gateway")
    assert parts.unwanted(workload, made(gateway, confined=False).values(), anew=False) == [
        INGRESS,
        NETWORK_POLICY,
    ]
    assert parts.unwanted(None, made().values(), anew=False) == []
    del workload["metadata"]["annotations"][parts.PARTS]
    assert parts.unwanted(workload, made().values(), anew=False) == [
        INGRESS,
        HTTP_ROUTE,
        NETWORK_POLICY,
    ]


def test_only_what_a_finished_pass_has_named_is_known_to_be_ours() -> None:
    bodies = made(ports=(8080,))
    workload, route = made()["StatefulSet/shop-abcdefgh"], bodies["Ingress/shop-abcdefgh-app"]

    def known(live: Any, body: Any, *, complete: bool = True) -> bool:
        return parts.is_known(live, body, complete=complete)

    assert known(workload, route)
    assert known(workload, bodies["Secret/shop-abcdefgh-env"], complete=False)
    assert not known(workload, route, complete=False)
    assert not known(workload, bodies["Ingress/shop-abcdefgh-p8080"])
    assert not known(None, bodies["Secret/shop-abcdefgh-env"])


def test_the_template_of_a_claim_stays_as_the_live_workload_has_it() -> None:
    def asked(live: Claimed | None, **changed: Any) -> Any:
        settings = Settings(storage_class="fast")
        bodies = made(settings, claimed=live, **changed)
        [template] = bodies["StatefulSet/shop-abcdefgh"]["spec"]["volumeClaimTemplates"]
        spec = template["spec"]
        return spec["resources"]["requests"]["storage"], spec.get("storageClassName")

    assert asked(None) == ("10Gi", "fast")
    assert asked(Claimed("5Gi", None)) == ("5Gi", None)
    assert asked(Claimed("1536Mi", "slow"), storage="1.5Gi") == ("1.5Gi", "slow")


def test_what_is_claimed_is_read_from_the_live_workload() -> None:
    assert claimed(made()["StatefulSet/shop-abcdefgh"]) == Claimed("10Gi", None)
    assert claimed(None) is None
    assert claimed({"spec": {}}) is None


def test_a_gateway_is_told_the_listener_and_may_be_spared_the_protocol() -> None:
    def service(settings: Settings) -> list[bool]:
        listed = made(settings)["Service/shop-abcdefgh"]["spec"]["ports"]
        return ["appProtocol" in port for port in listed]

    gateway = Settings(route_mode="gateway", gateway_section="https", gateway_namespace="edge")
    route = made(gateway)["HTTPRoute/shop-abcdefgh-app"]["spec"]

    assert route["parentRefs"] == [{"name": "gateway", "namespace": "edge", "sectionName": "https"}]
    assert service(gateway) == [False, True]
    assert service(Settings(route_mode="gateway", gateway_app_protocol=False)) == [False, False]
    assert service(Settings()) == [False, False]


def test_certificates_and_classes_are_said_as_the_settings_have_it() -> None:
    def ingress(**chosen: Any) -> Any:
        return made(Settings(**chosen))["Ingress/shop-abcdefgh-ttyd"]

    wildcard = ingress(route_tls="secret", route_tls_secret="wildcard-cert", ingress_class="nginx")
    issued = ingress(
        route_tls="cert-manager",
        route_issuer="letsencrypt",
        ingress_class="higress",
        ingress_class_annotation=True,
        ingress_annotations={"a": "b"},
    )
    host = "shop-abcdefgh-ttyd.example.test"

    assert wildcard["spec"]["tls"] == [{"hosts": [host], "secretName": "wildcard-cert"}]
    assert wildcard["spec"]["ingressClassName"] == "nginx"
    assert issued["spec"]["tls"] == [{"hosts": [host], "secretName": "shop-abcdefgh-ttyd-tls"}]
    assert "ingressClassName" not in issued["spec"]
    said = issued["metadata"]["annotations"]
    assert said["kubernetes.io/ingress.class"] == "higress"
    assert said["cert-manager.io/cluster-issuer"] == "letsencrypt"
    assert said["a"] == "b"
    assert "tls" not in ingress()["spec"]


def test_egress_leaves_out_private_addresses_of_both_kinds() -> None:
    [policy] = [b for b in made().values() if b["kind"] == "NetworkPolicy"]
    dns, internet = policy["spec"]["egress"]

    assert {port["port"] for port in dns["ports"]} == {53}
    four, six = (peer["ipBlock"] for peer in internet["to"])
    refused = [ip_network(one) for one in (*four["except"], *six["except"])]
    for address in (
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:a00:1::1",
    ):
        assert any(ip_address(address) in network for network in refused), address
    for address in ("1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00::1"):
        assert not any(ip_address(address) in network for network in refused), address


def test_the_sealos_profile_marks_what_its_dashboards_look_for() -> None:
    bodies = made(Settings(sealos_profile=True), ports=(8080,))
    name, app = "shop-abcdefgh", "cloud.sealos.io/app-deploy-manager"
    marked = {"StatefulSet", "Service", "Ingress"}

    assert {b["kind"] for b in bodies.values() if app in b["metadata"]["labels"]} == marked
    assert all(b["metadata"]["labels"].get(app, name) == name for b in bodies.values())
    for route in ("app", "ttyd", "p8080"):
        labels = bodies[f"Ingress/{name}-{route}"]["metadata"]["labels"]
        assert labels["cloud.sealos.io/app-deploy-manager-domain"] == f"{name}-{route}"
    workload = bodies[f"StatefulSet/{name}"]
    said = workload["metadata"]["annotations"]
    assert said["originImageName"] == "registry.invalid/sandbox:1"
    assert said["deploy.cloud.sealos.io/minReplicas"] == "1"
    assert said["deploy.cloud.sealos.io/maxReplicas"] == "1"
    assert said["deploy.cloud.sealos.io/resize"] == "10Gi"
    assert app not in workload["spec"]["template"]["metadata"]["labels"]
    assert "sealos" not in str(made())


def test_the_domain_on_sealos_is_that_of_its_api_server() -> None:
    sealos_on = Settings(sealos_profile=True, sandbox_domain="example.test")

    assert sealos.domain(None, sealos_on) == "example.test"
    assert sealos.domain("https://cloud.sealos.io:6443", sealos_on) == "cloud.sealos.io"
    assert sealos.domain("https://usw-1.sealos.io:6443", sealos_on) == "usw-1.sealos.app"
    off = Settings(sandbox_domain="example.test")
    assert sealos.domain("https://cloud.sealos.io:6443", off) == "example.test"
