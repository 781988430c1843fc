"""What a credential may not do, from the rules that a cluster gives."""

from uuid import UUID

import pytest

from app.settings import Settings
from reconciler.manifests import kubeblocks_v1alpha1
from reconciler.manifests.database import Database
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import (
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    POD,
    ROLE,
    STATEFUL_SET,
    Object,
)
from reconciler.manifests.permissions import MOST_RULES, Need, missing, needed, older

PATCH = Need("patch", STATEFUL_SET)


def rule(verbs: list[str], groups: list[str], resources: list[str], **more: object) -> Object:
    return {"verbs": verbs, "apiGroups": groups, "resources": resources, **more}


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ([rule(["patch"], ["apps"], ["statefulsets"])], True),
        ([rule(["*"], ["*"], ["*"])], True),
        ([rule(["get", "patch"], ["", "apps"], ["pods", "statefulsets"])], True),
        ([rule(["get"], ["apps"], ["statefulsets"])], False),
        ([rule(["patch"], [""], ["statefulsets"])], False),
        ([rule(["patch"], ["apps"], ["statefulsets/status"])], False),
        ([rule(["patch"], ["apps"], ["statefulsets"], resourceNames=["one"])], False),
        ([rule(["patch"], ["apps"], ["pods"]), rule(["patch"], [""], ["statefulsets"])], False),
        ([{}], False),
        ([], False),
    ],
)
def test_a_rule_allows_what_all_of_its_parts_name(rules: list[Object], allowed: bool) -> None:
    assert missing([PATCH], rules) == ([] if allowed else [PATCH])


def test_of_more_rules_than_a_cluster_has_the_rest_is_not_read() -> None:
    everything = rule(["*"], ["*"], ["*"])

    assert missing([PATCH], [{}] * (MOST_RULES - 1) + [everything]) == []
    assert missing([PATCH], [{}] * MOST_RULES + [everything]) == [PATCH]


def test_a_need_reads_as_kubectl_says_it() -> None:
    assert str(PATCH) == "patch statefulsets.apps"
    assert str(Need("list", POD)) == "list pods"


def test_of_routes_only_those_that_are_made_are_written() -> None:
    by_ingress = needed(Settings())
    by_gateway = needed(Settings(route_mode="gateway", network_policy=False))

    assert Need("patch", INGRESS) in by_ingress
    assert Need("patch", HTTP_ROUTE) not in by_ingress
    assert Need("patch", HTTP_ROUTE) in by_gateway
    assert Need("patch", INGRESS) not in by_gateway
    # A deletion asks for all kinds, whatever is made now.
    assert Need("list", INGRESS) in by_gateway
    assert Need("patch", NETWORK_POLICY) not in by_gateway


def test_whoever_gives_a_databases_pods_their_rights_has_to_have_them() -> None:
    owner = Owner(UUID(int=1), UUID(int=2), 1, "mooring", "shop-abcdefgh", "database")
    made = Database(owner, False, None, 1, "1", "1Gi", "3Gi")
    bodies = kubeblocks_v1alpha1.objects(made, None, Settings())
    [role] = [body for body in bodies if body["kind"] == ROLE.kind]
    ours = {(need.kind.group, need.kind.plural, need.verb) for need in older()}

    given = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert given <= ours
    assert Need("create", ROLE) in older()
