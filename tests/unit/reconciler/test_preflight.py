"""A quota's refusal of a pod that takes another's place: whether it has room once that is gone."""

import pytest

from app.settings import Settings
from reconciler.manifests.kinds import Object
from reconciler.manifests.sandbox import objects
from reconciler.preflight import has_room, use_of
from tests.unit.reconciler.sandbox import sandbox

# As kube-apiserver 1.36 says it.
REFUSAL = (
    'pods "two" is forbidden: exceeded quota: a,'
    " requested: limits.cpu={cpu},limits.memory=4Gi,pods=1,"
    " used: limits.cpu=2,limits.memory=4Gi,pods=1, limited: limits.cpu=3,limits.memory=4Gi,pods=1"
)


def workload(**sizes: object) -> Object:
    bodies = objects(sandbox(**sizes), Settings())
    return next(body for body in bodies if body["kind"] == "StatefulSet")


@pytest.mark.parametrize(
    ("cpu", "room"), [("2", True), ("2500m", True), ("3", True), ("3001m", False), ("4", False)]
)
def test_what_the_running_one_gives_back_counts(cpu: str, room: bool) -> None:
    live = workload(cpu="2", memory="4Gi")

    assert has_room(REFUSAL.format(cpu=cpu), use_of(live)) is room


def test_what_others_use_does_not() -> None:
    sums = "requested: requests.cpu=90m, used: requests.cpu=80m, limited: requests.cpu=100m"
    said = f"exceeded quota: b, {sums}"
    live = workload()

    assert use_of(live)["requests.cpu"] == 20
    assert not has_room(said, use_of(live))


@pytest.mark.parametrize(
    "said",
    [
        "exceeded quota: c, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=1,"
        " limited: requests.nvidia.com/gpu=1",
        "exceeded quota: d, requested: pods=x, used: pods=1, limited: pods=0",
        "failed quota: e: must specify limits.cpu for: home",
    ],
)
def test_a_sum_that_is_of_something_else_is_a_refusal(said: str) -> None:
    assert not has_room(said, use_of(workload()))
