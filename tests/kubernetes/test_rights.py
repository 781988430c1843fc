"""The rights of deploy/kubernetes are what the reconciler needs in a real cluster, and no more.

The whole story runs as a ServiceAccount that may do just what the YAML says, through a proxy that
notes what is asked: what the API server refuses is missing, what nobody asks for is superfluous.
Each kind of route is a story of its own, and each that has to be written in only one of two ways.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from reconciler.manifests.kinds import OLD_CLUSTER, Object
from tests.acceptance.stack import Stack, running_stack
from tests.acceptance.story import story, user_of
from tests.kubernetes.plane import Place, Plane
from tests.kubernetes.recording import Recorded, Right, recording

pytestmark = pytest.mark.xdist_group("stack")

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
NAME = "mooring-reconciler"
# A pod that is not made, or not there, at once is asked about: as slow nodes have it.
IMPATIENT = {"pod_unmade": "0.001", "pod_creating": "0.001"}


def allowed(rules: Sequence[Object]) -> set[Right]:
    """What rules allow."""
    return {
        (verb, group, resource)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def rules_for(plane: Plane) -> tuple[Sequence[Object], Sequence[Object]]:
    """Of the Role, and of the one beside it where KubeBlocks is of 0.9: most of that is for the
    pods of databases, to whom it is given."""
    roles = [FOLDER / name / "role.yaml" for name in ("one-namespace", "older-kubeblocks")]
    rules, beside = (yaml.safe_load(file.read_text())["rules"] for file in roles)
    return rules, beside if plane.cluster == OLD_CLUSTER else []


@asynccontextmanager
async def stack_on(kubeconfig: Path, **settings: str) -> AsyncIterator[Stack]:
    """A stack that works on the cluster of this kubeconfig."""
    running = running_stack(kubeconfig=str(kubeconfig), **IMPATIENT, **settings)
    stack = await asyncio.to_thread(running.__enter__)
    try:
        yield stack
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def lives(recorded: Recorded, **settings: str) -> None:
    """The story of one user under these settings."""
    async with stack_on(recorded.kubeconfig, **settings) as stack, user_of(stack) as user:
        await story(user)


@pytest.mark.timeout(300)
async def test_in_one_namespace_the_role_is_all_that_is_needed_and_nothing_more(
    plane: Plane, place: Place
) -> None:
    plane.needs_kubeblocks()
    plane.needs_gateway()
    rules, beside = rules_for(plane)
    await place.allow(NAME, [*rules, *beside])

    async with recording(await place.credential(NAME)) as recorded:
        for mode in ("ingress", "gateway"):
            await lives(recorded, route_mode=mode, sandbox_namespace=place.name)

    surplus = recorded.used - allowed(rules) - allowed(beside)
    assert (recorded.refused, surplus) == (set(), set()), "missing"
    assert allowed(rules) - recorded.used == set(), "superfluous"


async def test_what_is_not_allowed_is_seen_to_be_missing(plane: Plane, place: Place) -> None:
    plane.needs_kubeblocks()
    rules, beside = rules_for(plane)
    fewer = [
        {**rule, "resources": [name for name in rule["resources"] if name != "events"]}
        for rule in rules
    ]
    await place.allow(NAME, [*(rule for rule in fewer if rule["resources"]), *beside])

    async with recording(await place.credential(NAME)) as recorded:
        await lives(recorded, sandbox_namespace=place.name)

    assert recorded.refused == {("list", "", "events")}
