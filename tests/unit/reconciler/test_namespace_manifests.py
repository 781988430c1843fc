"""What an account's namespace is made of."""

from ipaddress import ip_network
from uuid import UUID

import pytest

from app.domain.names import namespace_name
from app.settings import Settings, SettingsError
from reconciler.manifests.kinds import NAMESPACE, POD, SERVICE_ACCOUNT, Object
from reconciler.manifests.namespace import HELD, holds, is_left_over, is_of, objects

ACCOUNT = UUID(int=1)
NAME = "mooring-ada-abcdefgh"


def made(**settings: object) -> dict[str, Object]:
    """The objects by Kind/name."""
    chosen = Settings(**settings)  # type: ignore[arg-type]
    bodies = objects(ACCOUNT, NAME, chosen)
    assert bodies[0]["kind"] == NAMESPACE.kind
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in bodies}


def policy(name: str, **settings: object) -> Object:
    spec: Object = made(**settings)[f"NetworkPolicy/{name}"]["spec"]
    return spec


def test_each_object_is_ours_and_the_accounts_and_in_the_namespace() -> None:
    for title, body in made().items():
        within = None if title.startswith("Namespace/") else NAME
        assert body["metadata"].get("namespace") == within
        assert is_of(body, ACCOUNT)
        assert not is_of(body, UUID(int=2))


def test_levels_of_pod_security_carry_their_version() -> None:
    labels = made(
        namespace_pod_security={"enforce": "restricted"}, namespace_pod_security_version="v1.33"
    )[f"Namespace/{NAME}"]["metadata"]["labels"]

    assert {key.partition("/")[2]: at for key, at in labels.items() if "pod-security" in key} == {
        "enforce": "restricted",
        "enforce-version": "v1.33",
    }


def test_what_settings_leave_empty_is_not_made() -> None:
    bare = made(
        namespace_quota={},
        namespace_default_limits={},
        namespace_default_requests={},
        network_policy=False,
    )

    assert list(bare) == [f"Namespace/{NAME}"]


def test_one_policy_denies_all_that_no_other_allows() -> None:
    assert policy("mooring-default-deny") == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_databases_reach_each_other_names_and_the_api_alone() -> None:
    networks = [ip_network("10.0.0.1/32")]
    egress = policy("mooring-databases", api_server_networks=networks)["egress"]
    anywhere = policy("mooring-databases")["egress"][-1]

    peers, dns, api = egress
    assert peers["to"][0]["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/managed-by": "kubeblocks"
    }
    assert {port["port"] for port in dns["ports"]} == {53}
    assert {port["port"] for port in api["ports"]} == {443, 6443}
    assert api["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]
    assert "to" not in anywhere


def test_databases_are_reached_by_each_other_sandboxes_and_their_operator() -> None:
    themselves, sandboxes, operator = policy("mooring-databases")["ingress"]

    assert "ports" not in themselves
    assert [port["port"] for port in sandboxes["ports"]] == [5432, 6432]
    [names] = operator["from"][0]["namespaceSelector"]["matchExpressions"]
    assert names["values"] == ["kb-system"]
    assert len(policy("mooring-databases", database_operator_namespaces=[])["ingress"]) == 2


def test_solvers_of_cert_manager_are_reached_by_the_routes_alone() -> None:
    settings = {"route_tls": "cert-manager", "ingress_namespaces": ["edge"]}
    [rule] = policy("mooring-solvers", **settings)["ingress"]

    assert rule["ports"] == [{"port": 8089, "protocol": "TCP"}]
    assert "edge" in str(rule["from"])
    assert "NetworkPolicy/mooring-solvers" not in made()


@pytest.mark.parametrize(
    ("live", "same"),
    [
        ({"hard": {"cpu": "1", "pods": "9", "memory": "1Gi"}, "scopes": []}, True),
        ({"hard": {"cpu": "1", "pods": "9", "memory": "1Ti"}}, False),
        ({"hard": {"cpu": "1", "pods": "9"}}, False),
        ({"hard": []}, False),
        ({}, False),
    ],
)
def test_a_quantity_is_the_same_however_it_is_written(live: Object, same: bool) -> None:
    wanted = {"hard": {"cpu": "1000m", "pods": "9", "memory": "1024Mi"}}

    assert holds(live, wanted) is same


def test_of_lists_each_item_counts_and_no_more() -> None:
    assert holds([{"a": "1", "b": "2"}], [{"a": "1"}])
    assert not holds([{"a": "1"}, {"a": "2"}], [{"a": "1"}])


@pytest.mark.parametrize("quota", [{"pods": "many"}, {"limits.memory": "4 GiB"}])
def test_a_quota_that_no_cluster_takes_is_refused_at_the_start(quota: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="NAMESPACE_QUOTA"):
        Settings.load(namespace_quota=quota)


@pytest.mark.parametrize("login", ["ada", "-a-", "0123456789" * 3, "x" * 32])
def test_a_name_is_a_label_of_dns(login: str) -> None:
    name = namespace_name("m" * 32, login)

    assert len(name) <= 63
    assert name.replace("-", "").isalnum()
    assert not name.endswith("-")


@pytest.mark.parametrize(
    ("meta", "goes"),
    [
        ({"labels": {"app.kubernetes.io/managed-by": "mooring"}}, True),
        ({"labels": {"app.kubernetes.io/managed-by": "kubeblocks"}}, True),
        ({"labels": {"controller.cert-manager.io/fao": "true"}}, True),
        ({"annotations": {"kubernetes.io/service-account.name": "default"}}, True),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, False),
        ({"labels": None, "annotations": None}, False),
        ({}, False),
    ],
)
def test_a_namespace_takes_along_what_its_controllers_left(meta: Object, goes: bool) -> None:
    assert is_left_over({"metadata": {"name": "x", **meta}}) is goes
    assert POD in HELD
    assert SERVICE_ACCOUNT not in HELD
