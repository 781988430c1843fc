"""The reasons that take more than a rule of the simulator to be produced, each until it heals."""

from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.claims import Claim
from app.db.sandboxes import SANDBOXES
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import API, Viewer
from app.services import projects
from app.services import resources as verbs
from app.services.databases import NewDatabase
from app.services.projects import NewProject
from app.services.sandboxes import NewSandbox
from app.settings import Settings
from reconciler.manifests.kinds import SERVICE
from tests.integration.reconciler.stage import OfKind, Stage, explains
from tests.integration.reconciler.test_database_failures import database_of
from tests.integration.reconciler.test_loop import running, want
from tests.integration.reconciler.working import resources_of
from tests.integration.world import MAKERS, viewer_of

pytestmark = pytest.mark.faults


async def test_an_object_of_its_name_that_is_somebodys_is_left_alone_until_it_goes(
    stage: Stage,
) -> None:
    await stage.project()
    async with stage.database.read(API) as connection:
        name = (await connection.execute(text("SELECT k8s_name FROM sandbox"))).scalar_one()
    path = SERVICE.path("mooring")
    theirs = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}
    await stage.call("POST", path, theirs)

    async with stage.running():
        failed = await stage.shows("ERROR", Reason.NAME_CLASH)
        await stage.call("DELETE", f"{path}/{name}")
        await stage.shows("RUNNING")

    explains(failed, "belongs to somebody else", f"Service/{name}")


async def test_routes_of_a_gateway_wait_for_its_kind(stage: Stage) -> None:
    missing = {"fault": "NotInstalled", "group": "gateway.networking.k8s.io"}

    async with stage.running(route_mode="gateway", gateway_name="main"):
        async with stage.faulty(missing):
            await stage.project()
            failed = await stage.shows("ERROR", Reason.KIND_NOT_SERVED)
        await stage.shows("RUNNING")

    definition = "httproutes.gateway.networking.k8s.io"
    explains(
        failed,
        f"has to install the CustomResourceDefinition {definition}",
        f"CustomResourceDefinition/{definition}",
    )


async def test_a_namespace_that_is_being_deleted_is_said_to_be_until_it_is_made_again(
    stage: Stage,
) -> None:
    path = "/api/v1/namespaces/mooring"
    held = {"fault": "StuckFinalizer", "kind": "ConfigMap", "finalizer": "x.io/keep"}

    async with stage.running():
        async with stage.faulty(held):
            await stage.call("POST", f"{path}/configmaps", {"metadata": {"name": "kept"}})
            await stage.call("DELETE", path)
            await stage.project()
            failed = await stage.shows("ERROR", Reason.NAMESPACE_TERMINATING)
        await stage.shows("ERROR", Reason.NAMESPACE_MISSING)
        await stage.call("POST", "/api/v1/namespaces", {"metadata": {"name": "mooring"}})
        await stage.shows("RUNNING")

    explains(failed, "being terminated", "")


async def test_a_database_without_its_secret_says_so(stage: Stage) -> None:
    secret = "mooring/*-account-postgres"
    hidden = {"fault": "Answer", "code": 404, "kind": "Secret", "name": secret, "verbs": ["get"]}

    async with stage.running():
        async with stage.faulty(hidden):
            await database_of(stage)
            failed = await stage.shows("ERROR", Reason.CREDENTIALS_MISSING)
        await stage.shows("RUNNING")

    explains(failed, "the Secret with its account is not there", "Cluster/")


async def test_a_cluster_that_is_slow_makes_looks_end_before_their_time(stage: Stage) -> None:
    async with stage.running(pass_timeout=1.0):
        async with stage.faulty({"fault": "Latency", "seconds": 0.4}):
            await stage.project()
            failed = await stage.shows("ERROR", Reason.PASS_TIMEOUT)
        await stage.shows("RUNNING")

    explains(failed, "too long", "")


async def test_a_fault_of_our_own_is_said_to_be_one_and_tried_again(stage: Stage) -> None:
    settings = Settings(poll=0.2, retry_longest=0.5, starting_deadline=1, cluster_rate=1000)
    right = resources_of(stage.database, stage.cluster, settings)
    broken = True

    async def reconcile(claim: Claim) -> Outcome | None:
        if broken:
            raise RuntimeError("of a test")
        return await right.reconcile(claim)

    async with running(stage.database, reconcile, settings):
        await stage.project()
        failed = await stage.shows("ERROR", Reason.INTERNAL)
        broken = False
        await stage.shows("RUNNING")

    explains(failed, "Mooring failed here", "")


RESIZE = (
    'persistentvolumeclaims "home-x-0" is forbidden: only dynamically provisioned pvc can be'
    " resized and the storageclass that provisions the pvc must support resize"
)


async def grown(stage: Stage, viewer: Viewer, project: UUID) -> None:
    """Its user wants a larger disk."""
    async with stage.database.begin(viewer) as session:
        [row] = await SANDBOXES.of_projects(session, viewer, [project])
        await verbs.update(session, viewer, MAKERS.sandboxes, row.id, {"storage": "20Gi"})


async def test_a_volume_that_may_not_grow_is_an_error_until_it_may(stage: Stage) -> None:
    claims = {"kind": "PersistentVolumeClaim", "verbs": ["patch"]}
    refused = {"fault": "Answer", "code": 403, "message": RESIZE, **claims}

    async with stage.running() as loop:
        viewer, project = await stage.project()
        await stage.shows("RUNNING")
        async with stage.faulty(refused):
            await grown(stage, viewer, project)
            loop.wake()
            failed = await stage.shows("ERROR", Reason.VOLUME_NOT_GROWING)
        await stage.shows("RUNNING")

    explains(failed, "can be resized", "PersistentVolumeClaim/")


async def test_a_database_waits_for_its_sandboxes_to_stop_first(stage: Stage) -> None:
    viewer = await viewer_of(stage.database)
    new = NewProject("shop", sandboxes=(NewSandbox("app"),), databases=(NewDatabase("db"),))
    async with stage.database.begin(viewer) as session:
        project = (await projects.create(session, viewer, MAKERS, new)).id

    sandbox, database = OfKind(stage.database, "SANDBOX"), OfKind(stage.database, "DATABASE")

    async with stage.running(starting_deadline=60, stopping_deadline=60) as loop:
        await database.shows("RUNNING")
        await sandbox.shows("RUNNING")
        async with stage.faulty({"fault": "StuckTerminating", "name": "mooring/shop-*-0"}):
            await want(stage.database, viewer, project, DesiredState.STOPPED)
            loop.wake()
            waits = await database.shows("STOPPING", Reason.WAITING_FOR_SANDBOXES)
        await database.shows("STOPPED")

    explains(waits, "app", "")
