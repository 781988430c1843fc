"""The cluster of `MOORING_TEST_KUBECONFIG` as tests find it: what it serves, what one may do there.

    async with Plane.of(kubeconfig) as plane:
        plane.needs_administrator()           # else the test is skipped, in one line
        async with plane.place() as place:    # a namespace of the test's own, gone afterwards
            await place.create(QUOTA, "small", {"spec": …})
            kubeconfig = await place.credential("robot")  # of a ServiceAccount

With the kubeconfig of an administrator each test has a namespace of its own; with a namespaced one
all are in its namespace, and what takes more rights is skipped. `MOORING_TEST_REQUIRE_ALL=1` makes
a failure of a skip, unless the plane cannot do it by its design (`cannot`).
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import orjson
import pytest
import yaml
from kubernetes_asyncio import config

from reconciler.cluster.calls import Call
from reconciler.cluster.trusted import Trusted
from reconciler.manifests.identity import MANAGED_BY, MANAGER
from reconciler.manifests.kinds import CLUSTER, HTTP_ROUTE, KINDS, Kind
from tests.integration.world import becomes
from tests.postgres import open_folder

Json = dict[str, Any]

KUBECONFIG = os.environ.get("MOORING_TEST_KUBECONFIG", "")
_REQUIRE_ALL = os.environ.get("MOORING_TEST_REQUIRE_ALL") == "1"
_SECONDS = 30.0
_MERGE = "application/merge-patch+json"
_REVIEWS = "authorization.k8s.io/v1"

NAMESPACE = Kind("", "v1", "Namespace", "namespaces")
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
ROLE = Kind("rbac.authorization.k8s.io", "v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")
# The dialects of KubeBlocks, the newer first: the one that is served is spoken.
OLD_CLUSTER = Kind(CLUSTER.group, "v1alpha1", CLUSTER.kind, CLUSTER.plural)


class Refused(Exception):  # noqa: N818 - what a test asked for and the API server does not do
    """An answer that is no success."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        super().__init__(f"{status} {said}")


def cannot(why: str) -> NoReturn:
    """Skip: this plane cannot do it by its design."""
    pytest.skip(why)


def _missing(what: str) -> NoReturn:
    if _REQUIRE_ALL:
        pytest.fail(f"nothing may be skipped here: {what}")
    pytest.skip(what)


@dataclass
class Plane:
    """A cluster through one kubeconfig; `tree` is its content, with one context."""

    tree: Json
    folder: Path
    transport: Trusted
    administrator: bool = False
    cluster: Kind | None = None
    gateway: bool = False

    @classmethod
    @asynccontextmanager
    async def of(cls, kubeconfig: Path) -> AsyncIterator[Plane]:
        """The plane, looked at."""
        folder = open_folder()
        transport = Trusted(await config.new_client_from_config(str(kubeconfig)))
        plane = cls(_of_context(yaml.safe_load(kubeconfig.read_text())), folder, transport)
        try:
            await plane._look()
            yield plane
        finally:
            await transport.close()

    @property
    def namespace(self) -> str:
        """The namespace of the context."""
        return str(self.tree["contexts"][0]["context"].get("namespace") or "default")

    def needs_administrator(self) -> None:
        """Skip unless the kubeconfig is an administrator's."""
        if not self.administrator:
            _missing("the kubeconfig is not an administrator's, who makes namespaces and rules")

    def needs_kubeblocks(self) -> Kind:
        """The Cluster of the dialect that is spoken; skip where KubeBlocks is not installed."""
        if self.cluster is None:
            cannot("KubeBlocks is not installed in this cluster")
        return self.cluster

    def needs_gateway(self) -> None:
        """Skip where the Gateway API is not installed."""
        if not self.gateway:
            cannot("the Gateway API is not installed in this cluster")

    async def call(
        self, method: str, path: str, body: Json | None = None, media: str = "application/json"
    ) -> Json:
        """What the API server answers; Refused."""
        path, _, query = path.partition("?")
        asked = dict(one.split("=", 1) for one in query.split("&") if one)
        answer = await self.transport.send(Call(method, path, asked, body, media), _SECONDS)
        async with answer:
            content = await answer.read()
            if answer.status >= 300:
                raise Refused(answer.status, content.decode(errors="replace"))
            found: Json = orjson.loads(content)
            return found

    async def may(self, verb: str, group: str, resource: str) -> bool:
        """Whether the kubeconfig allows it everywhere."""
        asked = {"verb": verb, "group": group, "resource": resource}
        body = {"spec": {"resourceAttributes": asked}}
        path = f"/apis/{_REVIEWS}/selfsubjectaccessreviews"
        said = await self.call("POST", path, body)
        return bool(said["status"]["allowed"])

    async def serves(self, kind: Kind) -> bool:
        """Whether the API server knows the kind."""
        try:
            known = await self.call("GET", kind.prefix)
        except Refused:
            return False
        return any(resource["name"] == kind.plural for resource in known["resources"])

    def credential(self, user: Json, namespace: str) -> Path:
        """The file of a kubeconfig for this server."""
        tree = json.loads(json.dumps(self.tree))
        tree["users"] = [{"name": "test", "user": user}]
        tree["contexts"][0]["context"] |= {"user": "test", "namespace": namespace}
        file = self.folder / f"{uuid4().hex}.json"
        file.write_text(json.dumps(tree))
        return file

    @asynccontextmanager
    async def place(self, *, pod_security: str = "baseline") -> AsyncIterator[Place]:
        """A namespace for the block: new, or that of the context, with nothing of ours in it."""
        name = f"mooring-test-{uuid4().hex[:8]}" if self.administrator else self.namespace
        place = Place(self, name, self.credential(self.tree["users"][0]["user"], name))
        if self.administrator:
            await place.make(pod_security)
        try:
            yield place
        finally:
            if self.administrator:
                await place.unmake()
            else:
                await place.clear()

    async def _look(self) -> None:
        self.administrator = await self.may("*", "*", "*")
        dialects = [kind for kind in (CLUSTER, OLD_CLUSTER) if await self.serves(kind)]
        self.cluster = next(iter(dialects), None)
        self.gateway = await self.serves(HTTP_ROUTE)


@dataclass
class Place:
    """One namespace; `kubeconfig` has it in its context, and the plane's rights."""

    plane: Plane
    name: str
    kubeconfig: Path

    async def make(self, pod_security: str = "baseline") -> None:
        """Make the namespace, which must not be there."""
        labels = {"pod-security.kubernetes.io/enforce": pod_security}
        body = {"metadata": {"name": self.name, "labels": labels}}
        await self.plane.call("POST", "/api/v1/namespaces", body)

    async def unmake(self) -> None:
        """Have it deleted with all that is in it; the cluster takes its time."""
        with _unless(404):
            await self.plane.call("DELETE", f"/api/v1/namespaces/{self.name}")

    async def until_unmade(self) -> None:
        """Wait until there is no such namespace."""

        async def gone() -> bool:
            with _unless(404):
                await self.plane.call("GET", f"/api/v1/namespaces/{self.name}")
                return False
            return True

        await becomes(gone)

    async def clear(self) -> None:
        """Delete all that is managed by Mooring in it."""
        for kind in KINDS:
            if await self.plane.serves(kind):
                for body in await self.list(kind, f"{MANAGED_BY}={MANAGER}"):
                    await self.delete(kind, body["metadata"]["name"])

    async def create(self, kind: Kind, name: str, content: Json | None = None) -> Json:
        """Make an object; `content` is what stands beside and in its metadata."""
        content = content or {}
        meta = {"name": name, **content.get("metadata", {})}
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **content, "metadata": meta}
        return await self.plane.call("POST", kind.path(self.name), body)

    async def get(self, kind: Kind, name: str) -> Json | None:
        """The object; None when there is none."""
        try:
            return await self.plane.call("GET", kind.path(self.name, name))
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    async def list(self, kind: Kind, selector: str = "") -> list[Json]:
        """All objects of a kind, or those that a label selector finds."""
        found = await self.plane.call("GET", f"{kind.path(self.name)}?labelSelector={selector}")
        items: list[Json] = found["items"]
        return items

    async def patch(self, kind: Kind, name: str, change: Json, part: str = "") -> Json:
        """Merge `change` into the object, or into its subresource `part`."""
        path = kind.path(self.name, name) + (f"/{part}" if part else "")
        return await self.plane.call("PATCH", path, change, _MERGE)

    async def delete(self, kind: Kind, name: str, policy: str = "Background") -> None:
        """Have it deleted; gone already is fine."""
        with _unless(404):
            await self.plane.call(
                "DELETE", kind.path(self.name, name), {"propagationPolicy": policy}
            )

    async def until_gone(self, kind: Kind, name: str) -> None:
        """Wait until there is no such object."""

        async def gone() -> bool:
            return await self.get(kind, name) is None

        await becomes(gone)

    async def allow(self, name: str, rules: Sequence[Json]) -> None:
        """Let the ServiceAccount `name` do these things and no others, from the return on.

        The API server learns of a Role a moment later: a right that nobody else asks for tells.
        """
        told = f"told-{uuid4().hex}"
        right = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
        role = {"rules": [*rules, right | {"resourceNames": [told]}]}
        if await self.get(ROLE, name) is not None:
            await self.patch(ROLE, name, role)
        else:
            await self.create(ROLE, name, role)
            ref = {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": name}
            subject = {"kind": "ServiceAccount", "name": name, "namespace": self.name}
            await self.create(ROLE_BINDING, name, {"roleRef": ref, "subjects": [subject]})
        await becomes(lambda: self._is_told(name, told))

    async def _is_told(self, name: str, of: str) -> bool:
        """Whether the API server lets the ServiceAccount read this ConfigMap by now; who may not
        ask takes it for so."""
        about = {"namespace": self.name, "verb": "get", "resource": "configmaps", "name": of}
        user = f"system:serviceaccount:{self.name}:{name}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{self.name}"]
        review = {
            "metadata": {"namespace": self.name},
            "spec": {"resourceAttributes": about, "user": user, "groups": groups},
        }
        path = f"/apis/{_REVIEWS}/namespaces/{self.name}/localsubjectaccessreviews"
        try:
            said = await self.plane.call("POST", path, review)
        except Refused as refused:
            if refused.status != 403:
                raise
            return True
        return bool(said["status"]["allowed"])

    async def credential(self, name: str) -> Path:
        """A kubeconfig of the ServiceAccount `name`, which is made if it is not there."""
        if await self.get(SERVICE_ACCOUNT, name) is None:
            await self.create(SERVICE_ACCOUNT, name)
        path = f"{SERVICE_ACCOUNT.path(self.name, name)}/token"
        said = await self.plane.call("POST", path, {"spec": {"expirationSeconds": 3600}})
        return self.plane.credential({"token": said["status"]["token"]}, self.name)

    async def revoke(self, name: str) -> None:
        """No kubeconfig of this ServiceAccount is good any more."""
        await self.delete(SERVICE_ACCOUNT, name)


class _unless:  # noqa: N801 - reads as a part of `with`
    """Leaves out a Refused with this status."""

    def __init__(self, status: int) -> None:
        self._status = status

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        return isinstance(error, Refused) and error.status == self._status


def _of_context(tree: Json) -> Json:
    """The kubeconfig with its current context alone, whose files a copy elsewhere finds too."""
    context = next(c for c in tree["contexts"] if c["name"] == tree["current-context"])
    names = context["context"]
    parts = {
        "clusters": [c for c in tree["clusters"] if c["name"] == names["cluster"]],
        "users": [u for u in tree["users"] if u["name"] == names["user"]],
    }
    return tree | parts | {"contexts": [context]}
