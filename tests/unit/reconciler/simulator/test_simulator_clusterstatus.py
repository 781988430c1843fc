"""Phases and conditions of a KubeBlocks Cluster."""

from typing import Any

import pytest

from reconciler.simulator.controllers.clusterparts import VERSIONS, UnresolvableError, resolved
from reconciler.simulator.controllers.clusterstatus import Seen, composed, provisioned, refused
from reconciler.simulator.kinds import CLUSTER
from reconciler.simulator.stored import Stored

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("phases", "phase"),
    [
        ({"Creating"}, "Creating"),
        ({"Running"}, "Running"),
        ({"Running", "Stopped"}, "Running"),
        ({"Stopped"}, "Stopped"),
        ({"Creating", "Running"}, "Updating"),
        ({"Starting", "Stopped"}, "Updating"),
        ({"Starting", "Failed"}, "Updating"),
        ({"Stopping", "Running"}, "Stopping"),
        ({"Stopping", "Failed"}, "Stopping"),
        ({"Failed"}, "Failed"),
        ({"Failed", "Running"}, "Abnormal"),
        ({"Creating", "Stopped"}, "as before"),
    ],
)
def test_the_phase_is_composed_of_the_components(phases: set[str], phase: str) -> None:
    assert composed(phases, "as before") == phase


def cluster(status: Json) -> Stored:
    meta = {"name": "db", "generation": 3}
    return Stored(CLUSTER, "ns", "db", 1, {"metadata": meta, "status": status})


def test_a_condition_keeps_its_time_while_its_status_does() -> None:
    ready = provisioned(cluster({}), {"postgresql": Seen("Running")}, "T1")
    still = provisioned(cluster(ready), {"postgresql": Seen("Updating")}, "T2")
    failed = provisioned(cluster(still), {"postgresql": Seen("Failed", {"Pod/x": "y"})}, "T3")

    def of_ready(status: Json) -> tuple[str, str]:
        (found,) = [one for one in status["conditions"] if one["type"] == "Ready"]
        return found["status"], found["lastTransitionTime"]

    assert of_ready(ready) == of_ready(still) == ("True", "T1")
    assert of_ready(failed) == ("False", "T3")
    assert failed["components"]["postgresql"]["message"] == {"Pod/x": "y"}


def test_a_refusal_leaves_the_rest_of_the_status_as_it_was() -> None:
    before = provisioned(cluster({}), {"postgresql": Seen("Running")}, "T1")

    after = refused(cluster(before), "ApplyResources", "ApplyResourcesFailed", "no quota", "T2")

    kept = {key: value for key, value in before.items() if key != "conditions"}
    assert kept == {key: value for key, value in after.items() if key != "conditions"}
    changed = [one for one in after["conditions"] if one not in before["conditions"]]
    assert [(one["status"], one["message"]) for one in changed] == [("False", "no quota")]


def test_the_newest_version_is_taken_when_none_is_given() -> None:
    spec = {"clusterDef": "postgresql", "componentSpecs": [{"name": "postgresql"}]}

    (component,) = resolved(spec)["componentSpecs"]

    numbers = [tuple(map(int, version.split("."))) for version in VERSIONS]
    assert component["serviceVersion"] == VERSIONS[numbers.index(max(numbers))]
    assert resolved(resolved(spec)) == resolved(spec)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clusterDef": "mysql"}, 'ClusterDefinition.apps.kubeblocks.io "mysql" not found'),
        ({"topology": "solo"}, "referred cluster topology not found : solo"),
        ({"componentSpecs": [{"serviceVersion": "1"}]}, 'serviceVersion "1"'),
        ({"componentSpecs": [{"componentDef": "redis"}]}, 'componentDef "redis"'),
    ],
)
def test_what_no_definition_fits_is_said(change: Json, said: str) -> None:
    with pytest.raises(UnresolvableError, match=said.replace("(", "")):
        resolved({"clusterDef": "postgresql", **change})
