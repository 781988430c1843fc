"""Why a pod does not come up, or does not go, as kubelets, volumes and the scheduler tell it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from reconciler.manifests.kinds import CLAIM, EVENT, POD, STATEFUL_SET
from tests.integration.reconciler.stage import explains
from tests.kubernetes.plane import Json
from tests.kubernetes.stage import FAULT, Project, Stage, until

HOLD = "test.mooring.dev/hold"


def template(change: Json) -> Json:
    """A change of annotations of a workload's pods, which is nobody's but the test's."""
    return {"spec": {"template": {"metadata": {"annotations": change}}}}


@dataclass(frozen=True)
class Fault:
    """What a node is to do to the pod; reason, part of the message and begin of the object."""

    fault: str
    reason: Reason
    said: str
    culprit: str = "Pod/"

    def __str__(self) -> str:
        return self.fault.partition(":")[0]


FAULTS = [
    Fault("ImagePullBackOff:pull access denied", Reason.IMAGE_PULL_FAILED, "pull access denied"),
    Fault("ErrImagePull:no such host", Reason.IMAGE_PULL_FAILED, "no such host"),
    Fault("InvalidImageName:bad", Reason.IMAGE_PULL_FAILED, "bad"),
    Fault("CreateContainerConfigError:no secret", Reason.CONTAINER_CONFIG_ERROR, "no secret"),
    Fault("CreateContainerError:no device", Reason.CONTAINER_CONFIG_ERROR, "no device"),
    Fault("RunContainerError:no such file", Reason.CONTAINER_CONFIG_ERROR, "no such file"),
    Fault("CrashLoopBackOff:3", Reason.CRASH_LOOP, "exit code 3"),
    Fault("OOMKilled", Reason.OOM_KILLED, "137 (OOMKilled)"),
    Fault("FailedMount:already attached", Reason.VOLUME_MOUNT_FAILED, "already attached"),
    Fault("Unschedulable:0/3 nodes", Reason.UNSCHEDULABLE, "0/3 nodes"),
    Fault("NeverReady", Reason.STARTING_TOO_LONG, "port 7681 (ttyd)"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_pod_that_does_not_come_up_is_explained_and_heals_by_itself(
    stage: Stage, fault: Fault
) -> None:
    async with stage.running():
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await stage.needs_fake_nodes(project)
        await stage.place.patch(STATEFUL_SET, project.name, template({FAULT: fault.fault}))
        failed = await stage.shows("ERROR", fault.reason)
        await stage.place.patch(STATEFUL_SET, project.name, template({FAULT: None}))
        healed = await stage.shows("RUNNING")

    explains(failed, fault.said, fault.culprit)
    assert (healed.message, healed.object, healed.attempts) == (None, None, 0)


async def test_an_image_of_no_registry_is_named_and_another_one_heals(stage: Stage) -> None:
    image = "registry.invalid/nobody/nothing:1"

    async with stage.running():
        project = await stage.sandbox(image=image)
        failed = await stage.shows("ERROR", Reason.IMAGE_PULL_FAILED)
        await stage.wants_image(project, "ghcr.io/mooring-dev/sandbox:latest")
        await stage.shows("RUNNING")

    explains(failed, image, "Pod/")


async def test_a_network_that_a_node_cannot_set_up_is_told_by_events(stage: Stage) -> None:
    said = 'plugin type="calico" failed'

    async with stage.running():
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await stage.needs_fake_nodes(project)
        await stage.place.patch(STATEFUL_SET, project.name, template({FAULT: "SlowStart:600"}))
        await stage.shows("ERROR", Reason.STARTING_TOO_LONG)
        [pod] = await stage.pods(project)
        about = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")}
        await stage.place.create(
            EVENT,
            f"{project.name}.1",
            {
                "involvedObject": {"kind": "Pod", **about},
                "type": "Warning",
                "reason": "FailedCreatePodSandBox",
                "message": said,
                "firstTimestamp": pod["metadata"]["creationTimestamp"],
                "lastTimestamp": pod["metadata"]["creationTimestamp"],
            },
        )
        failed = await stage.shows("ERROR", Reason.SANDBOX_CREATE_FAILED)
        await stage.place.patch(STATEFUL_SET, project.name, template({FAULT: None}))
        await stage.shows("RUNNING")

    explains(failed, said, "Pod/")


async def test_a_volume_of_no_storage_class_is_awaited_until_somebody_gives_one(
    stage: Stage,
) -> None:
    stage.place.plane.needs_administrator()
    nowhere = f"none-{stage.place.name}"

    async with stage.running(storage_class=nowhere):
        project = await stage.sandbox()
        failed = await stage.shows("ERROR", Reason.VOLUME_PENDING)
        async with volume(stage, project, nowhere):
            await stage.shows("RUNNING")

    explains(failed, nowhere, "PersistentVolumeClaim/")


@asynccontextmanager
async def volume(stage: Stage, project: Project, storage_class: str) -> AsyncIterator[None]:
    """A volume for the claim of the one sandbox, made by hand, for the block."""
    [claim] = await stage.place.list(CLAIM, f"mooring.dev/resource={project.resource}")
    name = f"{stage.place.name}-by-hand"
    spec = {
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
        "accessModes": claim["spec"]["accessModes"],
        "storageClassName": storage_class,
        "hostPath": {"path": f"/tmp/{name}"},
        "claimRef": {"namespace": stage.place.name, "name": claim["metadata"]["name"]},
    }
    await stage.place.plane.call(
        "POST", "/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": spec}
    )
    try:
        yield
    finally:
        await stage.place.plane.call("DELETE", f"/api/v1/persistentvolumes/{name}")


async def test_an_evicted_pod_is_replaced(stage: Stage) -> None:
    async with stage.running():
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        [before] = await stage.pods(project)
        name = before["metadata"]["name"]
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        path = f"{POD.path(stage.place.name, name)}/eviction"
        await stage.place.plane.call("POST", path, body)

        async def replaced() -> bool:
            pods = await stage.pods(project)
            return [
                pod for pod in pods if pod["metadata"]["uid"] != before["metadata"]["uid"]
            ] != []

        await until(replaced)
        await stage.shows("RUNNING")


async def test_a_stop_held_by_a_pod_names_it_and_ends_when_it_goes(stage: Stage) -> None:
    async with stage.running() as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        [pod] = await stage.pods(project)
        name = pod["metadata"]["name"]
        await stage.place.patch(POD, name, {"metadata": {"finalizers": [HOLD]}})
        await stage.want(project, DesiredState.STOPPED, loop)
        failed = await stage.shows("ERROR", Reason.STOPPING_TOO_LONG)
        await stage.place.patch(POD, name, {"metadata": {"finalizers": []}})
        await stage.shows("STOPPED")

    explains(failed, f"Still there: Pod/{name} (finalizers: {HOLD})", f"Pod/{name}")
