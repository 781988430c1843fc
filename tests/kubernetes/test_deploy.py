"""deploy/kubernetes on a real API server: strictly valid, admitted under `restricted`, ready."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from reconciler.manifests.kinds import POD, SECRET, Kind, Object
from tests.acceptance.programs import program
from tests.integration.world import becomes
from tests.kubernetes.plane import Json, Place, Plane, cannot
from tests.kubernetes.stage import FAKE_NODE

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
OURS = "mooring-system"
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
JOB = Kind("batch", "v1", "Job", "jobs")
BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
SECRETS = ("mooring-owner", "mooring-api", "mooring-reconciler", "mooring-keys")


@pytest.fixture(params=["base", "example"])
async def rendered(request: pytest.FixtureRequest) -> list[Object]:
    """What kustomize makes of a folder."""
    kubectl = program("kubectl", package="kubernetes-client")
    made = await asyncio.to_thread(
        subprocess.run,
        [kubectl, "kustomize", str(FOLDER / request.param)],
        capture_output=True,
        text=True,
        check=True,
    )
    return list(yaml.safe_load_all(made.stdout))


@pytest.fixture
async def restricted(plane: Plane) -> AsyncIterator[Place]:
    """A namespace that admits only what ours does."""
    plane.needs_administrator()
    async with plane.place(pod_security="restricted") as place:
        yield place


async def apply(plane: Plane, body: Object, *, dry: bool) -> None:
    """As `kubectl apply --server-side --validate=strict` does."""
    group, _, version = body["apiVersion"].rpartition("/")
    prefix = Kind(group, version, "", "").prefix
    known = (await plane.call("GET", prefix))["resources"]
    plural = next(
        it["name"] for it in known if it["kind"] == body["kind"] and "/" not in it["name"]
    )
    kind = Kind(group, version, body["kind"], plural)
    meta = body["metadata"]
    where = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
    path = f"{kind.prefix}{where}/{plural}/{meta['name']}"
    query = "?fieldManager=kubectl&force=true&fieldValidation=Strict" + (
        "&dryRun=All" if dry else ""
    )
    await plane.call("PATCH", path + query, body, "application/apply-patch+yaml")


async def test_all_of_it_is_taken_and_what_runs_is_ready(
    plane: Plane, restricted: Place, rendered: list[Object]
) -> None:
    for name in SECRETS:
        await restricted.create(SECRET, name, {"stringData": {"MOORING_DATABASE_URL": "x"}})
    for body in rendered:
        ours = body["metadata"].get("namespace") == OURS
        if "namespace" in body["metadata"]:
            body["metadata"]["namespace"] = restricted.name
        await apply(plane, body, dry=not ours)

    # Pods are made, so the level admits them; ready they are where nodes only pretend.
    async def made() -> bool:
        return len(await restricted.list(POD, "app.kubernetes.io/name=mooring")) == 5

    await becomes(made)
    await needs_fake_nodes(restricted)

    async def ready() -> bool:
        job = await of(restricted, JOB, "mooring-migrate")
        api = await of(restricted, DEPLOYMENT, "mooring-api")
        reconciler = await of(restricted, DEPLOYMENT, "mooring-reconciler")
        return (
            job.get("succeeded"),
            api.get("readyReplicas"),
            reconciler.get("readyReplicas"),
        ) == (
            1,
            2,
            2,
        )

    await becomes(ready)

    async def spared() -> bool:
        found = [await of(restricted, BUDGET, f"mooring-{it}") for it in ("api", "reconciler")]
        return [it.get("disruptionsAllowed") for it in found] == [1, 1]

    await becomes(spared)


async def of(place: Place, kind: Kind, name: str) -> Json:
    """An object's status."""
    found = await place.get(kind, name)
    assert found is not None
    status: Json = found.get("status") or {}
    return status


async def needs_fake_nodes(place: Place) -> None:
    """Skip the rest where pods run on real nodes: nobody has this image."""
    pods = await place.list(POD, "app.kubernetes.io/name=mooring")
    if any(pod["spec"].get("nodeName", FAKE_NODE) != FAKE_NODE for pod in pods):
        cannot("its nodes are real, and there is no such image to pull")
