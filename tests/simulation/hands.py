"""What somebody does in the cluster by hand, beside the reconcilers."""

from collections.abc import Callable, Mapping

from reconciler.manifests.identity import RESOURCE
from reconciler.simulator.status import Refusal
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Deletion, Writer
from tests.simulation.cluster import LocalCluster

_WRITER = Writer("somebody")


def of_ours(cluster: LocalCluster) -> list[Stored]:
    """The objects of resources, in an order that a seed replays."""
    return [
        stored
        for kind, table in sorted(cluster.store.tables.items(), key=lambda item: item[0].plural)
        for _, stored in sorted(table.objects.items())
        if RESOURCE in stored.labels
    ]


def _remove(cluster: LocalCluster, one: Stored) -> None:
    cluster.verbs.delete(one, Deletion())


def _scale(cluster: LocalCluster, one: Stored) -> None:
    if one.kind.kind == "StatefulSet":
        spec = {**one.body["spec"], "replicas": 1 - one.body["spec"].get("replicas", 1)}
        cluster.verbs.update(one, {**one.body, "spec": spec}, _WRITER)


def _annotate(cluster: LocalCluster, one: Stored) -> None:
    annotations = {**one.meta.get("annotations", {}), "example.com/by": "hand"}
    meta = {**one.meta, "annotations": annotations}
    cluster.verbs.update(one, {**one.body, "metadata": meta}, _WRITER)


DEEDS: Mapping[str, Callable[[LocalCluster, Stored], None]] = {
    "removes": _remove,
    "scales": _scale,
    "annotates": _annotate,
}
NAMES = tuple(DEEDS)


def lend_a_hand(cluster: LocalCluster, deed: str, number: int) -> str | None:
    """Do this to one of our objects; what was done, if anything could be."""
    found = of_ours(cluster)
    if deed == "scales":
        found = [one for one in found if one.kind.kind == "StatefulSet"]
    if not found:
        return None
    one = found[number % len(found)]
    try:
        DEEDS[deed](cluster, one)
    except Refusal as refusal:
        return f"{deed} {one.kind.kind}/{one.name}, in vain: {refusal.message}"
    return f"{deed} {one.kind.kind}/{one.name}"
