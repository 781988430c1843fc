"""How long it takes until one subscriber has an event: of a commit, of a mutation, of a cluster.

A cluster event is a pod that stops being ready, or is again: its status is patched in the
simulator. It counts from before that request, so the simulator's own time is in it.
"""

from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from bench.client import User, subscribed
from bench.figures import Figures
from bench.scale import Scale
from bench.writer import Writer

_RENAME = """mutation ($id: ID!, $name: String) {
  updateProject(id: $id, input: {name: $name}) { project { id } } }"""
COMMIT_AIM = 10
CLUSTER_AIM = 50


async def of_commits(user: User, writer: Writer, scale: Scale, figures: Figures) -> None:
    """From the commit, and from sending a mutation, to the event."""
    project = await user.create("followed", sandboxes=1)
    await user.settled(100)
    async with subscribed(user, project) as [subscriber]:
        committed, sent = [], []
        for number in range(scale.events):
            at = await writer.commit(project)
            committed.append(await subscriber.arrival() - at)
            at = perf_counter()
            await user.ask(_RENAME, id=project, name=f"mutated {number}")
            sent.append(await subscriber.arrival() - at)
    figures.add_times("commit to subscriber", committed, COMMIT_AIM)
    figures.add_times("mutation sent to subscriber", sent)


async def of_clusters(user: User, kubeconfig: Path, scale: Scale, figures: Figures) -> None:
    """From a pod's readiness to the event: watch, claim, pass, record, NOTIFY, stream."""
    project = await user.create("watched", sandboxes=1)
    await user.settled(100)
    answer = await user.ask(
        "query ($id: ID!) { project(id: $id) { sandboxes { k8sNamespace k8sName } } }", id=project
    )
    [sandbox] = answer["project"]["sandboxes"]
    pod = Pod(user, kubeconfig, sandbox["k8sNamespace"], f"{sandbox['k8sName']}-0")
    took = []
    async with subscribed(user, project) as [subscriber]:
        for number in range(scale.events):
            at = perf_counter()
            await pod.set_ready(ready=bool(number % 2))
            (first, _), *_ = await subscriber.events("project.status")
            took.append(first - at)
    figures.add_times("cluster event to subscriber", took, CLUSTER_AIM)


class Pod:
    """A pod in the simulator."""

    def __init__(self, user: User, kubeconfig: Path, namespace: str, name: str) -> None:
        config = orjson.loads(kubeconfig.read_bytes())
        server = config["clusters"][0]["cluster"]["server"]
        self._http = user.http
        self._url = f"{server}/api/v1/namespaces/{namespace}/pods/{name}"
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        self._conditions: list[dict[str, Any]] = []

    async def set_ready(self, *, ready: bool) -> None:
        """Patch the condition Ready, as a kubelet does after a probe."""
        if not self._conditions:
            async with self._http.get(self._url, headers=self._headers) as answer:
                self._conditions = (await answer.json())["status"]["conditions"]
        for condition in self._conditions:
            if condition["type"] == "Ready":
                condition["status"] = str(ready)
        patch = orjson.dumps({"status": {"conditions": self._conditions}})
        headers = self._headers | {"Content-Type": "application/merge-patch+json"}
        url = f"{self._url}/status"
        async with self._http.patch(url, data=patch, headers=headers) as answer:
            if answer.status != 200:
                raise RuntimeError(await answer.text())
