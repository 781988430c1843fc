"""Scheduler and kubelet of the one node: Pending, on the node, creating, Ready; and graceful ends.

A pod goes to the node once its claims are bound, is Ready `ready_after` seconds later if the
Secrets and ConfigMaps of its environment are there, and goes `gone_after` seconds after its
deletion. How long a pod has waited is in memory alone: a restart lets it wait anew.
"""

import itertools
import time
from collections import defaultdict
from collections.abc import Hashable, Iterable

from reconciler.simulator.clock import now
from reconciler.simulator.controllers import podstatus
from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import CLAIM, CONFIG_MAP, POD, SECRET
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Deletion, Verbs, Writer

KUBELET, SCHEDULER = Writer("kubelet"), Writer("kube-scheduler")
# A kubelet looks again for a missing Secret or ConfigMap.
RETRY_SECONDS = 1.0
SOURCE_KINDS = {"Secret": SECRET, "ConfigMap": CONFIG_MAP}

Key = tuple[str, str]


class Kubelet:
    def __init__(self, verbs: Verbs, delays: Delays) -> None:
        self._verbs, self._delays = verbs, delays
        self._since: dict[tuple[str, str], float] = {}
        self._for_claim: dict[Key, set[Key]] = defaultdict(set)
        self._numbers = itertools.count(2)
        self._addresses: set[str] = set()

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is None:
            return
        if stored.kind is POD:
            yield stored.key
            self._note(stored, gone=change.new is None)
        elif stored.kind is CLAIM and stored.key in self._for_claim:
            yield from self._for_claim.pop(stored.key)

    def sync(self, key: tuple[str, str]) -> float | None:
        namespace, name = key
        pod = self._verbs.store.get(POD, namespace, name)
        if pod is None:
            return None
        if pod.deleting:
            return self._end(pod)
        if pod.body["status"].get("phase") in ("Succeeded", "Failed"):
            return None
        if not pod.body["spec"].get("nodeName"):
            self._schedule(pod)
            return None
        return self._run(pod)

    def _waited(self, pod: Stored, what: str) -> float:
        """Seconds since this was first asked of this pod."""
        now_ = time.monotonic()
        return now_ - self._since.setdefault((pod.uid, what), now_)

    def _note(self, pod: Stored, *, gone: bool) -> None:
        address = pod.body["status"].get("podIP")
        if not gone:
            if address:
                self._addresses.add(address)
            return
        self._addresses.discard(address)
        for what in ("node", "end"):
            self._since.pop((pod.uid, what), None)

    def _end(self, pod: Stored) -> float | None:
        left = self._delays.gone_after - self._waited(pod, "end")
        if left > 0:
            return left
        self._verbs.delete(pod, Deletion(grace=0, uid=pod.uid))
        return None

    def _schedule(self, pod: Stored) -> None:
        """To the node, or not: then a change of the claim that is missing brings it here again."""
        for name in podstatus.claim_names(pod.body["spec"]):
            claim = self._verbs.store.get(CLAIM, pod.namespace, name)
            if claim is None or claim.body["status"].get("phase") != "Bound":
                self._for_claim[pod.namespace, name].add(pod.key)
                return
        spec = {**pod.body["spec"], "nodeName": podstatus.NODE}
        status = podstatus.scheduled(pod.body["status"], now())
        body = {**pod.body, "spec": spec, "status": status}
        self._verbs.record(pod, body, SCHEDULER, "binding")

    def _run(self, pod: Stored) -> float | None:
        status = pod.body["status"]
        if status["phase"] == "Running":
            return None
        left = self._delays.ready_after - self._waited(pod, "node")
        if left > 0:
            self._wait(pod, "ContainerCreating")
            return left
        for source in podstatus.sources(pod.body["spec"]):
            if not self._verbs.store.get(SOURCE_KINDS[source.kind], pod.namespace, source.name):
                self._wait(pod, "CreateContainerConfigError", source.missing)
                return RETRY_SECONDS
        running = podstatus.running(pod.body, now(), self._address())
        self._verbs.record(pod, {**pod.body, "status": running}, KUBELET, "status")
        return None

    def _wait(self, pod: Stored, reason: str, message: str = "") -> None:
        shown = pod.body["status"].get("containerStatuses", [{}])[0].get("state", {})
        if shown.get("waiting", {}).get("reason") == reason:
            return
        waiting = podstatus.waiting(pod.body, now(), reason, message)
        self._verbs.record(pod, {**pod.body, "status": waiting}, KUBELET, "status")

    def _address(self) -> str:
        """The next free one of 62,500."""
        while True:
            number = next(self._numbers) % 62_500
            address = f"10.244.{number // 250}.{number % 250 + 1}"
            if address not in self._addresses:
                return address
