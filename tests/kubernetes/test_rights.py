"""The rights of deploy/kubernetes are what the reconciler needs in a real cluster, and no more.

The whole story runs as a ServiceAccount that may do just what the YAML says, through a proxy that
notes what is asked: what the API server refuses is missing, what nobody asks for is superfluous.
Each kind of route is a story of its own, and each that has to be written in only one of two ways.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from app.domain import ids
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import (
    DEFINITION,
    LIMIT_RANGE,
    NAMESPACE,
    OLD_CLUSTER,
    RESOURCE_QUOTA,
    STATEFUL_SET,
    Kind,
    Object,
)
from reconciler.orphans.__main__ import FOUND
from tests.acceptance.stack import PATIENCE, Stack, running_stack
from tests.acceptance.story import User, story, user_of
from tests.integration.world import becomes
from tests.kubernetes.plane import Place, Plane
from tests.kubernetes.recording import Recorded, Right, recording

# A whole life of a user each.
pytestmark = pytest.mark.timeout(600)
FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
NAME = "mooring-reconciler"
ONE_NAMESPACE = ("one-namespace", "older-kubeblocks")
UNBOUNDED = {
    "namespace_quota": "{}",
    "namespace_default_limits": "{}",
    "namespace_default_requests": "{}",
}
PER_ACCOUNT = ("namespace-per-account", "older-kubeblocks-per-account")
# Whether a CRD is there is asked only where no version of it is served: not on this plane.
HIDDEN: set[Right] = {("get", DEFINITION.group, DEFINITION.plural)}
# A pod that is not made, or not there, at once is asked about: as slow nodes have it.
IMPATIENT = {"pod_unmade": "0.001", "pod_creating": "0.001"}


_PARTS = """query ($id: ID!) { project(id: $id) { status converged
  sandboxes { id } databases { id } } }"""
_CHANGES = (
    (
        "mutation ($id: ID!) { exposePort(sandboxId: $id, input: {port: 4000})"
        " { errors { message } } }",
        "sandbox",
    ),
    (
        "mutation ($id: ID!) { unexposePort(sandboxId: $id, input: {port: 4000})"
        " { errors { message } } }",
        "sandbox",
    ),
    (
        'mutation ($id: ID!) { updateSandbox(id: $id, input: {image: "other:1", storage: "11Gi"})'
        " { errors { message } } }",
        "sandbox",
    ),
    (
        'mutation ($id: ID!) { updateDatabase(id: $id, input: {memory: "2Gi"})'
        " { errors { message } } }",
        "database",
    ),
)


def allowed(rules: Sequence[Object]) -> set[Right]:
    """What rules allow."""
    return {
        (verb, group, resource)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def rules_for(plane: Plane, *folders: str) -> tuple[Sequence[Object], Sequence[Object]]:
    """Of the Role, and of the one beside it where KubeBlocks is of 0.9: most of that is for the
    pods of databases, to whom it is given."""
    roles = [FOLDER / name / "role.yaml" for name in folders or ONE_NAMESPACE]
    rules, beside = (yaml.safe_load(file.read_text())["rules"] for file in roles)
    return rules, beside if plane.cluster == OLD_CLUSTER else []


@dataclass
class Accounts:
    """Namespaces of accounts, by what their names begin with."""

    plane: Plane
    prefix: str

    async def are_bounded(self) -> bool:
        """Whether there is one, with a quota."""
        return bool(await self._of(RESOURCE_QUOTA))

    async def are_unbounded(self) -> bool:
        """Whether no quota and no limits are left."""
        return not await self._of(RESOURCE_QUOTA) and not await self._of(LIMIT_RANGE)

    async def are_gone(self) -> bool:
        """Whether all are gone, or about to go."""
        found = await self.plane.call("GET", NAMESPACE.path(""))
        meta = [body["metadata"] for body in found["items"]]
        left = [it for it in meta if it["name"].startswith(self.prefix)]
        return all("deletionTimestamp" in it for it in left)

    async def _of(self, kind: Kind) -> list[Object]:
        found = await self.plane.call("GET", kind.path(""))
        return [it for it in found["items"] if it["metadata"]["namespace"].startswith(self.prefix)]


@asynccontextmanager
async def allowed_everywhere(
    plane: Plane, place: Place, rules: Sequence[Object]
) -> AsyncIterator[None]:
    """The ServiceAccount of the place may do this in all namespaces, for the block."""
    name = place.name
    group = "rbac.authorization.k8s.io"
    kinds = [
        Kind(group, "v1", "ClusterRole", "clusterroles"),
        Kind(group, "v1", "ClusterRoleBinding", "clusterrolebindings"),
    ]
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": place.name}
    ref = {"apiGroup": group, "kind": "ClusterRole", "name": name}
    contents: list[Object] = [{"rules": list(rules)}, {"roleRef": ref, "subjects": [subject]}]
    for kind, content in zip(kinds, contents, strict=True):
        body: Object = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": name},
        }
        await plane.call("POST", kind.path(""), body | content)
    try:
        yield
    finally:
        for kind in kinds:
            await plane.call("DELETE", kind.path("", name))


@asynccontextmanager
async def stack_on(kubeconfig: Path, **settings: str) -> AsyncIterator[Stack]:
    """A stack that works on the cluster of this kubeconfig."""
    running = running_stack(kubeconfig=str(kubeconfig), **IMPATIENT, **settings)
    stack = await asyncio.to_thread(running.__enter__)
    try:
        yield stack
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def lives(recorded: Recorded, plane: Plane, **settings: str) -> None:
    """The story of one user under these settings, and what he may change in it."""
    async with stack_on(recorded.kubeconfig, **settings) as stack, user_of(stack) as user:
        await story(user)
        await changes(user, plane)
        await looks_for_orphans(stack)


async def looks_for_orphans(stack: Stack) -> None:
    """As an operator does, with the reconciler's rights: it lists what nobody else does."""
    argv = [sys.executable, "-m", "reconciler.orphans", "--json"]
    env = stack.ready["programs"]["reconciler"]["env"]
    done = await asyncio.to_thread(
        subprocess.run, argv, env=env, capture_output=True, timeout=PATIENCE
    )
    assert done.returncode in (0, FOUND), done.stderr


async def changes(user: User, plane: Plane) -> None:
    """A project with ports, other sizes and a larger disk, until it is gone.

    Before that somebody removes its workload and keeps what is below: its disk is left to us.
    """
    project = await user.create()
    await shows(user, project, "RUNNING")
    found = (await user.ask(_PARTS, id=project))["data"]["project"]
    [sandbox], [database] = found["sandboxes"], found["databases"]
    for document, key in _CHANGES:
        said = await user.ask(document, id=sandbox["id"] if key == "sandbox" else database["id"])
        assert "errors" not in said, said
        await shows(user, project, "RUNNING")
    await user.want("stop", project)
    await shows(user, project, "STOPPED")
    await orphaned(plane, sandbox["id"])
    await user.want("delete", project)
    await shows(user, project, None)


async def orphaned(plane: Plane, sandbox: str) -> None:
    """Remove the workload of a sandbox by hand, and keep what is below it."""
    decoded = ids.decode(sandbox)
    assert decoded is not None
    selected = f"{STATEFUL_SET.path('')}?labelSelector={RESOURCE}={decoded[1]}"
    [found] = (await plane.call("GET", selected))["items"]
    path = STATEFUL_SET.path(found["metadata"]["namespace"], found["metadata"]["name"])
    await plane.call("DELETE", path, {"propagationPolicy": "Orphan"})

    async def removed() -> bool:
        return not (await plane.call("GET", selected))["items"]

    await becomes(removed)


async def shows(user: User, project: str, status: str | None) -> None:
    """Wait until the project has this status, converged; None: until it is gone."""
    found: Object | None = None

    async def so() -> bool:
        nonlocal found
        found = (await user.ask(_PARTS, id=project))["data"]["project"]
        if found is None or status is None:
            return found is None and status is None
        return bool(found["converged"] and found["status"] == status)

    await becomes(so, PATIENCE, every=0.2)


async def test_in_one_namespace_the_role_is_all_that_is_needed_and_nothing_more(
    plane: Plane, place: Place
) -> None:
    plane.needs_kubeblocks()
    plane.needs_gateway()
    rules, beside = rules_for(plane)
    await place.allow(NAME, [*rules, *beside])

    async with recording(await place.credential(NAME)) as recorded:
        for mode in ("ingress", "gateway"):
            await lives(recorded, plane, route_mode=mode, sandbox_namespace=place.name)

    surplus = recorded.used - allowed(rules) - allowed(beside)
    assert (recorded.refused, surplus) == (set(), set()), "missing"
    assert allowed(rules) - recorded.used == set(), "superfluous"


async def test_with_namespaces_of_accounts_so_is_the_cluster_role(
    plane: Plane, place: Place
) -> None:
    plane.needs_administrator()
    plane.needs_kubeblocks()
    plane.needs_gateway()
    rules, beside = rules_for(plane, *PER_ACCOUNT)

    async with (
        allowed_everywhere(plane, place, [*rules, *beside]),
        recording(await place.credential(NAME)) as recorded,
    ):
        prefix = f"mooring-test-{uuid4().hex[:6]}"
        theirs = Accounts(plane, prefix)
        async with (
            stack_on(recorded.kubeconfig, namespace_prefix=prefix) as stack,
            user_of(stack) as user,
        ):
            await story(user)
            await changes(user, plane)
            await looks_for_orphans(stack)
            await user.create()
            await becomes(theirs.are_bounded)
            await asyncio.to_thread(stack.stop)
            stack.settings |= {**UNBOUNDED, "route_mode": "gateway"}
            await asyncio.to_thread(stack.start)
            await story(user)
            await becomes(theirs.are_unbounded)
            left = await user.ask("mutation { deleteAccount { projects } }")
            assert "errors" not in left, left
            await becomes(theirs.are_gone)

    surplus = recorded.used - allowed(rules) - allowed(beside)
    assert (recorded.refused, surplus) == (set(), set()), "missing"
    assert allowed(rules) - recorded.used - HIDDEN == set(), "superfluous"


async def test_what_is_not_allowed_is_seen_to_be_missing(plane: Plane, place: Place) -> None:
    plane.needs_kubeblocks()
    rules, beside = rules_for(plane)
    fewer = [
        {**rule, "resources": [name for name in rule["resources"] if name != "events"]}
        for rule in rules
    ]
    await place.allow(NAME, [*(rule for rule in fewer if rule["resources"]), *beside])

    async with recording(await place.credential(NAME)) as recorded:
        await lives(recorded, plane, sandbox_namespace=place.name)

    assert recorded.refused == {("list", "", "events")}
