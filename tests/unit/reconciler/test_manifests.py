"""The objects of a sandbox: what section 3 of the Kubernetes page asks of each field."""

import base64
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.names import object_name, slug, slug_of
from app.settings import Settings
from reconciler.manifests.routes import addresses
from reconciler.manifests.sandbox import objects
from reconciler.manifests.workload import probe_pod
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
