"""A cluster without the Gateway API or KubeBlocks says what is not served, until it is.

What is served then is a kind of the test's own making that takes any object: nobody acts on it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from reconciler.manifests.kinds import CLUSTER, HTTP_ROUTE, SERVICE, Kind
from tests.integration.reconciler.stage import explains
from tests.kubernetes.plane import Place, Refused, cannot
from tests.kubernetes.stage import Stage, until

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CLUSTERS = CLUSTER.definition
# Groups of Kubernetes' own need it: https://github.com/kubernetes/enhancements/pull/1111.
APPROVED = {"api-approved.kubernetes.io": "unapproved, of a test"}


async def test_without_the_gateway_api_a_route_says_so_until_it_is_there(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    if stage.place.plane.gateway:
        cannot("the Gateway API is installed in this cluster")

    async with stage.running(route_mode="gateway", gateway_name="main") as loop:
        project = await stage.sandbox()
        failed = await stage.shows("ERROR", Reason.KIND_NOT_SERVED)
        made = await stage.place.list(SERVICE)
        async with served(stage.place, HTTP_ROUTE):
            await stage.shows("RUNNING")
            routes = await stage.place.list(HTTP_ROUTE)
            await stage.want(project, DesiredState.DELETED, loop)
            await stage.gone()

    name = HTTP_ROUTE.definition
    explains(failed, f"CustomResourceDefinition {name}", f"CustomResourceDefinition/{name}")
    assert len(made) == 1
    assert len(routes) == 2


async def test_without_kubeblocks_a_database_says_so_until_it_is_there(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    if stage.place.plane.cluster is not None:
        cannot("KubeBlocks is installed in this cluster")

    async with stage.running() as loop:
        project = await stage.postgres()
        failed = await stage.shows("ERROR", Reason.OPERATOR_MISSING)
        async with served(stage.place, CLUSTER):
            silent = await stage.shows("ERROR", Reason.OPERATOR_NOT_RUNNING)
            await stage.want(project, DesiredState.DELETED, loop)
            await stage.gone()

    explains(failed, "KubeBlocks is not installed", "")
    explains(silent, "does KubeBlocks run", f"Cluster/{project.name}")


async def test_without_kubeblocks_a_database_can_be_deleted(stage: Stage) -> None:
    if stage.place.plane.cluster is not None:
        cannot("KubeBlocks is installed in this cluster")

    async with stage.running() as loop:
        project = await stage.postgres()
        await stage.shows("ERROR", Reason.OPERATOR_MISSING)
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()


async def test_a_version_that_is_turned_off_keeps_what_is_stored_and_its_row(
    stage: Stage,
) -> None:
    stage.place.plane.needs_administrator()
    if stage.place.plane.cluster is not None:
        cannot("KubeBlocks is installed in this cluster")

    async with stage.running() as loop, served(stage.place, CLUSTER):
        project = await stage.postgres()
        await stage.shows("ERROR", Reason.OPERATOR_NOT_RUNNING)
        await serve(stage.place, CLUSTER, on=False)
        await stage.want(project, DesiredState.DELETED, loop)
        blocked = await stage.shows("ERROR", Reason.KIND_NOT_SERVED)
        await serve(stage.place, CLUSTER, on=True)
        kept = await stage.place.list(CLUSTER)
        await stage.gone()

    explains(blocked, "serve v1 or v1alpha1 again", f"CustomResourceDefinition/{CLUSTERS}")
    assert [body["metadata"]["name"] for body in kept] == [project.name]


async def test_what_was_stored_of_a_definition_goes_with_it(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    if stage.place.plane.cluster is not None:
        cannot("KubeBlocks is installed in this cluster")

    async with stage.running() as loop:
        async with served(stage.place, CLUSTER):
            project = await stage.postgres()
            await stage.shows("ERROR", Reason.OPERATOR_NOT_RUNNING)
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()


async def serve(place: Place, kind: Kind, *, on: bool) -> None:
    """Turn the one version of a kind on or off."""
    path = f"{DEFINITIONS}/{kind.definition}"
    change = [{"op": "replace", "path": "/spec/versions/0/served", "value": on}]
    await place.plane.call("PATCH", path, change, "application/json-patch+json")  # type: ignore[arg-type]

    async def is_listed() -> bool:
        try:
            await place.list(kind)
        except Refused:  # 429 too, while its storage is made ready
            return False
        return True

    async def is_so() -> bool:
        return await is_listed() is on

    await until(is_so)


@asynccontextmanager
async def served(place: Place, kind: Kind) -> AsyncIterator[None]:
    """The cluster serves the kind for the block."""
    name = f"{kind.plural}.{kind.group}"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": anything},
        "subresources": {"status": {}},
    }
    names = {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind}
    spec = {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]}
    body = {"metadata": {"name": name, "annotations": APPROVED}, "spec": spec}
    await place.plane.call("POST", DEFINITIONS, body)
    try:
        await until(lambda: place.plane.serves(kind))
        yield
    finally:
        await place.plane.call("DELETE", f"{DEFINITIONS}/{name}")
        await until(lambda: forgotten(place, name))


async def forgotten(place: Place, name: str) -> bool:
    """Whether the kind and its objects are gone."""
    try:
        await place.plane.call("GET", f"{DEFINITIONS}/{name}")
    except Refused as refused:
        return refused.status == 404
    return False
