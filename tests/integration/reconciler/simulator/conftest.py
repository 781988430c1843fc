"""A cluster for these tests: the simulator in a process, and the client that the reconciler uses.

Each test has a namespace of its own, so they share one process.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
import pytest
from kubernetes_asyncio.client import ApiClient, Configuration

from tests.simulator import RunningSimulator, running_simulator

Json = dict[str, Any]
JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
SETS = "/apis/apps/v1/namespaces/{ns}/statefulsets"
DEADLINE_SECONDS = 20.0


@dataclass(frozen=True)
class Answer:
    code: int
    body: Any
    headers: dict[str, str]

    @property
    def version(self) -> str:
        version: str = self.body["metadata"]["resourceVersion"]
        return version

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.body["items"]]


@dataclass
class Cluster:
    """`{ns}` in a path is the test's namespace."""

    client: ApiClient
    namespace: str

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        media: str = JSON,
        accept: str = JSON,
        **query: str,
    ) -> Answer:
        response = await self.open(method, path, body, media, accept, **query)
        async with response:
            data = await response.read()
        try:
            parsed = orjson.loads(data)
        except ValueError:
            parsed = data.decode()
        return Answer(response.status, parsed, dict(response.headers))

    async def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        media: str = JSON,
        accept: str = JSON,
        **query: str,
    ) -> Any:
        return await self.client.call_api(
            path.replace("{ns}", self.namespace),
            method,
            query_params=list(query.items()),
            header_params={"Content-Type": media, "Accept": accept},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=DEADLINE_SECONDS,
        )

    async def apply(self, path: str, body: Json, manager: str = "mooring", **query: str) -> Answer:
        name = body["metadata"]["name"]
        return await self.call(
            "PATCH", f"{path}/{name}", body, APPLY, fieldManager=manager, **query
        )

    async def watch(self, path: str, count: int, **query: str) -> list[Json]:
        """The first `count` events."""
        async with Watching(await self.open("GET", path, watch="true", **query)) as watching:
            return [await watching.event() for _ in range(count)]

    @asynccontextmanager
    async def faulty(self, *rules: Json) -> AsyncIterator[None]:
        """These rules hold inside; `{ns}` in a name is the test's namespace."""
        filled = [{"name": "{ns}/*", **rule} for rule in rules]
        body = orjson.loads(orjson.dumps(filled).replace(b"{ns}", self.namespace.encode()))
        answer = await self.call("PUT", "/simulator/faults", body)
        assert answer.code == 200, answer.body
        try:
            yield
        finally:
            await self.call("DELETE", "/simulator/faults")

    async def until(self, path: str, holds: Callable[[Answer], bool], **query: str) -> Answer:
        """Ask until the answer is as wanted."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            # Another process's state: there is nothing to wait on.
            while not holds(answer := await self.call("GET", path, **query)):
                await asyncio.sleep(0.02)
        return answer


@dataclass
class Watching:
    response: Any

    async def __aenter__(self) -> "Watching":
        assert self.response.status == 200
        return self

    async def __aexit__(self, *_: object) -> None:
        self.response.close()

    async def event(self) -> Json:
        async with asyncio.timeout(DEADLINE_SECONDS):
            line = await self.response.content.readline()
        assert line, "the watch has ended"
        event: Json = orjson.loads(line)
        return event


def configuration_of(simulator: RunningSimulator) -> Configuration:
    configuration = Configuration(host=simulator.url)
    configuration.ssl_ca_cert = str(simulator.authority)
    return configuration


def client_of(simulator: RunningSimulator) -> ApiClient:
    configuration = configuration_of(simulator)
    configuration.api_key = {"BearerToken": f"Bearer {simulator.token}"}
    return ApiClient(configuration)


@pytest.fixture(scope="session")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSimulator]:
    async with running_simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
async def cluster(simulator: RunningSimulator) -> AsyncIterator[Cluster]:
    async with client_of(simulator) as client:
        cluster = Cluster(client, f"test-{uuid4().hex[:8]}")
        await cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": cluster.namespace}})
        yield cluster


Connect = Callable[[RunningSimulator], Awaitable[Cluster]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """A client of a simulator that the test has started itself; the namespace is `mooring`."""
    clients: list[ApiClient] = []

    async def connected(simulator: RunningSimulator) -> Cluster:
        clients.append(client_of(simulator))
        return Cluster(clients[-1], "mooring")

    yield connected
    for client in clients:
        await client.close()


def stateful_set(name: str = "box", replicas: int = 1, **spec: Any) -> Json:
    """As a sandbox is: Parallel, one volume that goes with it."""
    container = {
        "name": "sandbox",
        "image": "image:1",
        "ports": [{"name": "app", "containerPort": 3000}],
        "env": [{"name": "A", "value": "1"}],
        "volumeMounts": [{"name": "home", "mountPath": "/home"}],
    }
    claim = {
        "metadata": {"name": "home"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
        },
    }
    labels = {"mooring.dev/resource": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "podManagementPolicy": "Parallel",
            "persistentVolumeClaimRetentionPolicy": {
                "whenDeleted": "Delete",
                "whenScaled": "Retain",
            },
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            "volumeClaimTemplates": [claim],
            **spec,
        },
    }


def config_map(name: str, **body: Any) -> Json:
    metadata = {"name": name, **body.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **body}


def ready(answer: Answer) -> bool:
    status = answer.body.get("status", {})
    wanted = answer.body.get("spec", {}).get("replicas")
    return bool(
        status.get("observedGeneration") == answer.body["metadata"].get("generation")
        and status.get("readyReplicas", 0) == wanted
        and status.get("updatedReplicas", 0) == wanted
    )
