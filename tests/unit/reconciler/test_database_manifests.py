"""The objects of a database, and how a sandbox reaches it."""

from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.databases import Access
from app.domain.states import DesiredState
from app.settings import Settings
from reconciler.manifests import kubeblocks_v1, kubeblocks_v1alpha1
from reconciler.manifests.connection import environment
from reconciler.manifests.database import Database, Dialect, component
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import KINDS, Object, kind_of
from reconciler.manifests.network import network_policy
from tests.unit.reconciler.sandbox import sandbox

OWNER = Owner(UUID(int=1), UUID(int=2), 2, "mooring", "shop-abcdefgh", "database")


def database(**changed: object) -> Database:
    values: dict[str, object] = {
        "owner": OWNER,
        "stop": False,
        "version": None,
        "replicas": 1,
        "cpu": "1",
        "memory": "1Gi",
        "storage": "3Gi",
    }
    return Database(**(values | changed))  # type: ignore[arg-type]


def access(password: bytes | None = b"sealed") -> Access:
    return Access(
        id=UUID(int=3),
        name="db",
        desired_state=DesiredState.RUNNING,
        k8s_name="shop-abcdefgh",
        host="db.mooring.svc",
        port=5432,
        database="postgres",
        username="postgres",
        password=password,
    )


BOTH: tuple[Dialect, ...] = (kubeblocks_v1, kubeblocks_v1alpha1)
in_both = pytest.mark.parametrize("dialect", BOTH, ids=["v1", "v1alpha1"])


def cluster(dialect: Dialect, made: Database, live: Object | None = None) -> Object:
    return dialect.objects(made, live, Settings())[-1]


@in_both
def test_the_component_is_always_sent_whole_and_never_without_replicas(dialect: Dialect) -> None:
    for stop in (False, True):
        body = cluster(dialect, database(stop=stop, replicas=2))

        assert component(body)["stop"] is stop
        assert component(body)["replicas"] == 2
        assert body["spec"]["terminationPolicy"] == "Delete"


def test_a_release_without_the_field_is_not_told_by_it() -> None:
    assert "stop" not in component(cluster(kubeblocks_v1alpha1, database(stop=None)))


def test_the_version_is_left_to_the_operator_unless_one_was_asked_for() -> None:
    asked = cluster(kubeblocks_v1, database(version="16.4.0"))

    assert "serviceVersion" not in component(cluster(kubeblocks_v1, database()))
    assert component(asked)["serviceVersion"] == "16.4.0"
    assert asked["spec"]["topology"] == "replication"


@pytest.mark.parametrize(
    ("version", "there", "expected"),
    [
        (None, None, "postgresql-14.8.0"),
        (None, "16.4.0", "postgresql-16.4.0"),
        ("12.14.1", None, "postgresql-12.14.1"),
        ("14.8", "12.14.1", "postgresql-14.8.0"),
        ("16", None, "postgresql-16.0.0"),
    ],
)
def test_of_old_a_cluster_names_its_version(
    version: str | None, there: str | None, expected: str
) -> None:
    live = cluster(kubeblocks_v1alpha1, database(version=there)) if there else None

    body = cluster(kubeblocks_v1alpha1, database(version=version), live)

    assert body["spec"]["clusterVersionRef"] == expected
    assert body["metadata"]["labels"]["clusterversion.kubeblocks.io/name"] == expected
    assert f"postgresql-{kubeblocks_v1alpha1.version(body)}" == expected


def test_of_old_its_pods_have_an_account_that_may_do_what_the_engine_does_and_no_more() -> None:
    account, role, binding, body = kubeblocks_v1alpha1.objects(database(), None, Settings())

    names = {one["metadata"]["name"] for one in (account, role, binding)}
    assert names == {component(body)["serviceAccountName"]} == {body["metadata"]["name"]}
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"][0]["name"] == account["metadata"]["name"]
    assert "*" not in str(role["rules"])
    assert not {"secrets", "services", "roles"} & set(str(role["rules"]).split("'"))
    assert "delete" not in str(role["rules"])


@in_both
def test_what_the_operator_filled_in_is_sent_along_but_not_over_what_was_asked_for(
    dialect: Dialect,
) -> None:
    live = cluster(dialect, database())
    component(live).update(componentDef="postgresql-17-1.0.2", serviceVersion="17.5.0")

    unasked = component(cluster(dialect, database(), live))

    assert (unasked["componentDef"], unasked["serviceVersion"]) == ("postgresql-17-1.0.2", "17.5.0")
    if dialect is kubeblocks_v1:
        asked = component(cluster(dialect, database(version="16.4.0"), live))
        assert asked["serviceVersion"] == "16.4.0"


@in_both
def test_sizes_are_those_of_the_row(dialect: Dialect) -> None:
    small = component(cluster(dialect, database(cpu="50m", memory="64Mi", storage="1Gi")))

    assert small["resources"]["limits"] == {"cpu": "50m", "memory": "64Mi"}
    assert small["resources"]["requests"] == {"cpu": "50m", "memory": "64Mi"}
    [volume] = small["volumeClaimTemplates"]
    assert volume["spec"]["resources"]["requests"] == {"storage": "1Gi"}


@in_both
def test_the_longest_name_of_what_the_operator_makes_is_a_dns_label(dialect: Dialect) -> None:
    longest = f"{'x' * 20}-abcdefgh"

    assert len(dialect.service(longest)) <= 63
    assert len(dialect.account_secret(longest)) <= 63


@in_both
def test_all_that_is_applied_is_looked_for_at_the_end(dialect: Dialect) -> None:
    made = dialect.objects(database(), None, Settings())

    assert {kind_of(body) for body in made} <= set(KINDS)
    assert kind_of(made[-1]) == dialect.CLUSTER


@in_both
@pytest.mark.parametrize("said", [16, ["16"], {"a": 1}, None, ""])
def test_a_version_that_is_none_is_not_kept(dialect: Dialect, said: Any) -> None:
    live = cluster(dialect, database())
    live["spec"]["clusterVersionRef"] = component(live)["serviceVersion"] = said

    assert not dialect.version(live)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_password_survives_its_url(password: str) -> None:
    values = dict(environment(access(), password))

    parts = urlsplit(values["DATABASE_URL"])
    assert unquote(str(parts.password)) == password
    assert (parts.hostname, parts.port, parts.path) == ("db.mooring.svc", 5432, "/postgres")
    assert values["PGPASSWORD"] == password


def test_a_sandbox_reaches_the_databases_of_its_project_and_no_other_private_address() -> None:
    without = network_policy(sandbox(), Settings())["spec"]["egress"]
    reaching = sandbox(databases=("shop-abcdefgh",))
    with_one = network_policy(reaching, Settings())["spec"]["egress"]

    assert with_one[:-1] == without
    [peer] = with_one[-1]["to"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/instance": "shop-abcdefgh"}
    assert with_one[-1]["ports"] == [{"port": 5432, "protocol": "TCP"}]
