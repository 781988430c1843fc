"""How long it takes until one subscriber has an event: of a commit, of a mutation, of a cluster.

A cluster event is a pod that stops being ready, or is again: by a fault set in the simulator. It
counts from before that request, so the simulator's own time is in it.
"""

from pathlib import Path
from time import perf_counter

import orjson

from bench.client import User, subscribed
from bench.figures import Figures
from bench.scale import Scale
from bench.writer import Writer
from tests.simulator import trust_of

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
    pod = Pod(user, kubeconfig, f"{sandbox['k8sNamespace']}/{sandbox['k8sName']}-0")
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

    def __init__(self, user: User, kubeconfig: Path, name: str) -> None:
        config = orjson.loads(kubeconfig.read_bytes())
        self._url = f"{config['clusters'][0]['cluster']['server']}/simulator/faults"
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        self._trust = trust_of(kubeconfig)
        self._http = user.http
        self._name = name

    async def set_ready(self, *, ready: bool) -> None:
        """Let its container fail its probe from now on, or pass it again."""
        rules = [] if ready else [{"fault": "NeverReady", "name": self._name}]
        body = orjson.dumps(rules)
        async with self._http.put(
            self._url, data=body, headers=self._headers, ssl=self._trust
        ) as answer:
            if answer.status != 200:
                raise RuntimeError(await answer.text())
