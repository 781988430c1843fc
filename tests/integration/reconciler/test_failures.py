"""Failures are explained and heal: each fault of the simulator, through the row that users see."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import text

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API
from app.services import projects
from app.supervisor.ports import free_ports
from reconciler import metrics
from reconciler.manifests.kinds import CLAIM, POD, STATEFUL_SET
from tests.integration.reconciler.stage import Json, Stage, explains
from tests.integration.reconciler.test_loop import OURS, want
from tests.integration.world import becomes
from tests.simulator import running_simulator

pytestmark = pytest.mark.faults

FORBIDDEN = 'pods is forbidden: User "u" cannot patch resource "statefulsets" in API group "apps"'
QUOTA = 'pods "p" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1'
SECURITY = 'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'
WEBHOOK = 'Internal error occurred: failed calling webhook "rules.example": it is away'
CRASH = {"fault": "CrashLoopBackOff", "exitCode": 3, "every": 0.05}
WRITES = {"fault": "Answer", "verbs": ["patch", "create"]}
HARD = {"hard": {"limits.cpu": "1m"}}
MOST = {"limits": [{"type": "Container", "max": {"cpu": "1m"}}]}
QUOTA_NAME, NS = "ResourceQuota/small", "Namespace/mooring"


@dataclass(frozen=True)
class Fault:
    """A rule of the simulator; reason, part of the message and begin of the object it ends in."""

    rule: Json
    reason: Reason
    said: str
    culprit: str = ""

    def __str__(self) -> str:
        return f"{self.reason}-{self.rule['fault']}-{self.rule.get('code', '')}"


FAULTS = [
    Fault({"fault": "ImagePullBackOff", "every": 0.2}, Reason.IMAGE_PULL_FAILED, "image", "Pod/"),
    Fault({"fault": "InvalidImageName", "message": "x"}, Reason.IMAGE_PULL_FAILED, "x", "Pod/"),
    Fault({"fault": "CreateContainerError"}, Reason.CONTAINER_CONFIG_ERROR, "", "Pod/"),
    Fault({"fault": "RunContainerError"}, Reason.CONTAINER_CONFIG_ERROR, "", "Pod/"),
    Fault(CRASH, Reason.CRASH_LOOP, "exit code 3", "Pod/"),
    Fault({**CRASH, "container": "home"}, Reason.CRASH_LOOP, 'init container "home"', "Pod/"),
    Fault({"fault": "OOMKilled", "every": 0.05}, Reason.OOM_KILLED, "137 (OOMKilled)", "Pod/"),
    Fault({"fault": "FailedMount", "message": "x"}, Reason.VOLUME_MOUNT_FAILED, "x", "Pod/"),
    Fault({"fault": "FailedCreatePodSandBox"}, Reason.SANDBOX_CREATE_FAILED, "", "Pod/"),
    Fault({"fault": "Unschedulable"}, Reason.UNSCHEDULABLE, "nodes", "Pod/"),
    Fault({"fault": "NeverReady"}, Reason.STARTING_TOO_LONG, "port 7681 (ttyd)", "Pod/"),
    Fault({"fault": "Unbound"}, Reason.VOLUME_PENDING, "", "PersistentVolumeClaim/"),
    Fault(
        {**WRITES, "code": 403, "message": QUOTA}, Reason.QUOTA_EXCEEDED, "requested", QUOTA_NAME
    ),
    Fault({**WRITES, "code": 403, "message": SECURITY}, Reason.POD_SECURITY_VIOLATION, "runAs", NS),
    Fault({**WRITES, "code": 403, "message": FORBIDDEN}, Reason.PERMISSION_MISSING, "cannot patch"),
    Fault({**WRITES, "code": 422, "message": "immutable"}, Reason.INVALID_SPEC, "immutable"),
    Fault({**WRITES, "code": 409}, Reason.CONFLICT, ""),
    Fault({**WRITES, "code": 500, "message": WEBHOOK}, Reason.CREATE_FAILED, "webhook"),
    Fault({"fault": "Answer", "verbs": ["patch"], "code": 404}, Reason.OBJECT_MISSING, "not found"),
    Fault({"fault": "Answer", "code": 401}, Reason.CREDENTIAL_REJECTED, "Unauthorized"),
    Fault({"fault": "Answer", "code": 429, "retryAfter": 1}, Reason.CLUSTER_THROTTLED, "requests"),
    Fault({"fault": "Answer", "code": 500}, Reason.CLUSTER_UNAVAILABLE, "etcdserver"),
    Fault({"fault": "Answer", "code": 503}, Reason.CLUSTER_UNAVAILABLE, "unable to handle"),
    Fault({"fault": "Hang"}, Reason.CLUSTER_UNAVAILABLE, "did not answer in time"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_start_that_fails_is_explained_and_heals_by_itself(
    stage: Stage, fault: Fault
) -> None:
    async with stage.running():
        async with stage.faulty(fault.rule):
            await stage.project()
            failed = await stage.shows("ERROR", fault.reason)
        healed = await stage.shows("RUNNING")

    explains(failed, fault.said, fault.culprit)
    assert (healed.message, healed.object, healed.attempts) == (None, None, 0)


async def test_before_the_deadline_a_crash_loop_is_a_start_that_says_why(stage: Stage) -> None:
    async with stage.running(starting_deadline=3600):
        async with stage.faulty(CRASH):
            await stage.project()
            starting = await stage.shows("STARTING", Reason.CRASH_LOOP)
        await stage.shows("RUNNING")

    explains(starting, "exit code 3", "Pod/")


async def test_an_evicted_pod_is_replaced(stage: Stage) -> None:
    await stage.project()

    async def pods() -> set[str]:
        found = await stage.cluster.list_all(POD, "mooring", OURS)
        return {pod["metadata"]["uid"] for pod in found}

    async with stage.running():
        await stage.shows("RUNNING")
        before = await pods()
        async with stage.faulty({"fault": "Evicted", "after": 0.1, "times": 1}):

            async def replaced() -> bool:
                return bool(await pods() - before)

            await becomes(replaced)
        await stage.shows("RUNNING")


@dataclass(frozen=True)
class Limit:
    """What a namespace admits, and what a sandbox that is more than that ends in."""

    plural: str
    spec: Json
    reason: Reason
    said: str
    culprit: str


LIMITS = [
    Limit("resourcequotas", HARD, Reason.QUOTA_EXCEEDED, "exceeded quota: small", QUOTA_NAME),
    Limit("limitranges", MOST, Reason.ADMISSION_DENIED, "cpu usage per Container", "Pod/"),
]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.plural)
async def test_what_the_namespace_does_not_admit_is_told_before_anything_is_made(
    stage: Stage, limit: Limit
) -> None:
    path = f"/api/v1/namespaces/mooring/{limit.plural}"
    await stage.call("POST", path, {"metadata": {"name": "small"}, "spec": limit.spec})

    async with stage.running():
        await stage.project()
        failed = await stage.shows("ERROR", limit.reason)
        made = await stage.cluster.list_all(STATEFUL_SET, "mooring", OURS)
        await stage.call("DELETE", f"{path}/small")
        await stage.shows("RUNNING")

    explains(failed, limit.said, limit.culprit)
    assert made == []


async def test_a_quota_that_only_the_controller_meets_is_told_by_its_events(stage: Stage) -> None:
    await stage.project()
    body = {"metadata": {"name": "small"}, "spec": HARD}
    quotas = "/api/v1/namespaces/mooring/resourcequotas"

    async with stage.running(starting_deadline=3600):
        await stage.shows("RUNNING")
        await stage.call("POST", quotas, body)
        [pod] = await stage.cluster.list_all(POD, "mooring", OURS)
        await stage.cluster.delete(POD, pod)
        failed = await stage.shows("ERROR", Reason.QUOTA_EXCEEDED)
        await stage.call("DELETE", f"{quotas}/small")
        await stage.shows("RUNNING")

    explains(failed, "failed error: pods", QUOTA_NAME)


@pytest.mark.parametrize("again", ["retry", "stop"])
async def test_a_failure_is_looked_at_at_once_when_somebody_asks(stage: Stage, again: str) -> None:
    async with stage.running(watch=False, poll=3600, retry_longest=3600) as loop:
        async with stage.faulty({"fault": "Answer", "code": 401}):
            viewer, project = await stage.project()
            loop.wake()
            await stage.shows("ERROR", Reason.CREDENTIAL_REJECTED)
        if again == "stop":
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            left = await stage.shown()
            loop.wake()
            await stage.shows("STOPPED")
            assert left is not None
            assert left.status == "STOPPING"
        else:
            async with stage.database.begin(viewer) as session:
                await projects.retry(session, viewer, project)
            loop.wake()
            await stage.shows("RUNNING")


async def test_without_the_right_to_read_events_a_start_is_explained_as_far_as_can_be(
    stage: Stage,
) -> None:
    no_events = {"fault": "Answer", "code": 403, "kind": "Event"}

    async with stage.running(), stage.faulty({"fault": "FailedMount"}, no_events):
        await stage.project()
        failed = await stage.shows("ERROR", Reason.STARTING_TOO_LONG)

    explains(failed, "The node has not made its containers.", "Pod/")


async def test_each_intent_has_a_deadline_of_its_own(stage: Stage) -> None:
    viewer, project = await stage.project()
    asked = text("SELECT generation_since FROM resource")

    async with stage.database.read(API) as connection:
        first = (await connection.execute(asked)).scalar_one()
    await want(stage.database, viewer, project, DesiredState.STOPPED)
    async with stage.database.read(API) as connection:
        second = (await connection.execute(asked)).scalar_one()

    assert second > first


async def test_a_stop_held_by_a_pod_names_it_and_ends_when_it_goes(stage: Stage) -> None:
    viewer, project = await stage.project()

    async with stage.running() as loop:
        await stage.shows("RUNNING")
        async with stage.faulty({"fault": "StuckTerminating"}):
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            loop.wake()
            failed = await stage.shows("ERROR", Reason.STOPPING_TOO_LONG)
        await stage.shows("STOPPED")

    explains(failed, "Still there: Pod/", "Pod/")


async def test_a_deletion_held_by_a_finalizer_names_it_and_ends_when_it_goes(stage: Stage) -> None:
    viewer, project = await stage.project()
    stuck = {"fault": "StuckFinalizer", "kind": CLAIM.kind, "finalizer": "x.io/keep"}

    async with stage.running() as loop:
        await stage.shows("RUNNING")
        async with stage.faulty(stuck):
            await want(stage.database, viewer, project, DesiredState.DELETED)
            loop.wake()
            failed = await stage.shows("ERROR", Reason.DELETE_BLOCKED)

        async def gone() -> bool:
            return await stage.shown() is None

        await becomes(gone)

    explains(failed, "x.io/keep", "PersistentVolumeClaim/")


async def test_what_runs_stays_running_while_the_credential_is_rejected(stage: Stage) -> None:
    await stage.project()

    async with stage.running(watch=False, recheck=0.5):
        await stage.shows("RUNNING")
        async with stage.faulty({"fault": "Answer", "code": 401}):
            blind = await stage.shows("RUNNING", Reason.CREDENTIAL_REJECTED)
        await stage.shows("RUNNING")

    explains(blind, "Unauthorized", "")


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "WatchCut"},
        {"fault": "WatchCut", "torn": True},
        {"fault": "WatchExpired"},
        {"fault": "Latency", "seconds": 0.2},
    ],
    ids=str,
)
async def test_a_watch_that_is_cut_or_late_costs_time_and_no_truth(
    stage: Stage, rule: Json
) -> None:
    await stage.project()
    before = watches_ended_early()

    async with stage.running(poll=3600, recheck=3600):
        await stage.shows("RUNNING")
        async with stage.faulty(rule, {"fault": "NeverReady"}):
            failed = await stage.shows("ERROR", Reason.STARTING_TOO_LONG)
        await stage.shows("RUNNING")

    explains(failed, "port 7681 (ttyd)", "Pod/")
    assert watches_ended_early() > before or "Watch" not in rule["fault"]


def watches_ended_early() -> float:
    """How many an operator has seen."""
    [family] = metrics.WATCHES.collect()
    return sum(s.value for s in family.samples if s.labels.get("cause") not in (None, "ended"))


async def test_a_moment_of_conflict_is_nobodys_business(stage: Stage) -> None:
    rule = {**WRITES, "code": 409, "kind": STATEFUL_SET.kind, "times": 4}

    async with stage.faulty(rule):
        await stage.project()
        async with stage.running(watch=False, poll=3600, retry_longest=3600):
            await stage.shows("RUNNING")

    async with stage.database.read(API) as connection:
        told = await connection.execute(text("SELECT reason FROM change WHERE reason IS NOT NULL"))
        assert told.all() == []


async def test_an_api_server_that_is_away_is_an_error_past_the_deadline_until_it_is_back(
    stage: Stage, tmp_path: Path
) -> None:
    at, folder = ("--port", str(free_ports(1)[0])), tmp_path / "away"
    folder.mkdir()
    async with running_simulator(folder, *at) as away:
        pass
    await stage.project()

    async with replace(stage, simulator=away).running():
        failed = await stage.shows("ERROR", Reason.CLUSTER_UNAVAILABLE)
        async with running_simulator(folder, *at):
            await stage.shows("RUNNING")

    explains(failed, "Cannot connect to host 127.0.0.1", "")


async def test_a_namespace_that_goes_is_named_until_it_is_there_again(stage: Stage) -> None:
    await stage.call("DELETE", "/api/v1/namespaces/mooring")

    async with stage.running():
        await stage.project()
        failed = await stage.shows("ERROR", Reason.NAMESPACE_MISSING)
        await stage.call("POST", "/api/v1/namespaces", {"metadata": {"name": "mooring"}})
        await stage.shows("RUNNING")

    explains(failed, 'namespaces "mooring" not found', "Namespace/mooring")
