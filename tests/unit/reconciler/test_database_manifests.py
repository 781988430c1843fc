"""The objects of a database, and how a sandbox reaches it."""

from urllib.parse import unquote, urlsplit
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.db.databases import Access
from app.domain.states import DesiredState
from app.settings import Settings
from reconciler.manifests.connection import environment
from reconciler.manifests.database import Database, account_secret, cluster, component, host
from reconciler.manifests.identity import Owner
from reconciler.manifests.network import network_policy

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


def test_the_component_is_always_sent_whole_and_never_without_replicas() -> None:
    for stop in (False, True):
        body = cluster(database(stop=stop, replicas=2), None, Settings())

        assert component(body)["stop"] is stop
        assert component(body)["replicas"] == 2
        assert body["spec"]["terminationPolicy"] == "Delete"
        assert body["spec"]["topology"] == "replication"


def test_the_version_is_left_to_the_operator_unless_one_was_asked_for() -> None:
    assert "serviceVersion" not in component(cluster(database(), None, Settings()))
    assert (
        component(cluster(database(version="16.4.0"), None, Settings()))["serviceVersion"]
        == "16.4.0"
    )


def test_what_the_operator_filled_in_is_sent_along_but_not_over_what_was_asked_for() -> None:
    live = cluster(database(), None, Settings())
    component(live).update(componentDef="postgresql-17-1.0.2", serviceVersion="17.5.0")

    unasked = component(cluster(database(), live, Settings()))
    asked = component(cluster(database(version="16.4.0"), live, Settings()))

    assert (unasked["componentDef"], unasked["serviceVersion"]) == ("postgresql-17-1.0.2", "17.5.0")
    assert asked["serviceVersion"] == "16.4.0"


def test_sizes_are_those_of_the_row() -> None:
    small = component(cluster(database(cpu="50m", memory="64Mi", storage="1Gi"), None, Settings()))

    assert small["resources"]["limits"] == {"cpu": "50m", "memory": "64Mi"}
    assert small["resources"]["requests"] == {"cpu": "50m", "memory": "64Mi"}
    [volume] = small["volumeClaimTemplates"]
    assert volume["spec"]["resources"]["requests"] == {"storage": "1Gi"}


def test_the_longest_name_of_what_the_operator_makes_is_a_dns_label() -> None:
    longest = f"{'x' * 20}-abcdefgh"

    assert len(host(longest, "ns").split(".")[0]) <= 63
    assert len(account_secret(longest)) <= 63


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_password_survives_its_url(password: str) -> None:
    values = dict(environment(access(), password))

    parts = urlsplit(values["DATABASE_URL"])
    assert unquote(str(parts.password)) == password
    assert (parts.hostname, parts.port, parts.path) == ("db.mooring.svc", 5432, "/postgres")
    assert values["PGPASSWORD"] == password


def test_a_sandbox_reaches_the_databases_of_its_project_and_no_other_private_address() -> None:
    owner = Owner(UUID(int=4), UUID(int=2), 1, "mooring", "shop-bbbbbbbb", "sandbox")

    without = network_policy(owner, (), Settings())["spec"]["egress"]
    with_one = network_policy(owner, ("shop-abcdefgh",), Settings())["spec"]["egress"]

    assert with_one[:-1] == without
    [peer] = with_one[-1]["to"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/instance": "shop-abcdefgh"}
    assert with_one[-1]["ports"] == [{"port": 5432, "protocol": "TCP"}]
