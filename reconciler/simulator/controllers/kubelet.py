"""The kubelet of the one node: creating, Ready, whatever a fault makes of it, and graceful ends.

A pod is Ready `ready_after` seconds after it came to the node if the Secrets and ConfigMaps of its
environment are there, and goes `gone_after` seconds after its deletion. How long a pod has waited,
and since when it suffers, is in memory alone: a restart lets it wait anew.
"""

import itertools
import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from reconciler.simulator.clock import now
from reconciler.simulator.controllers import podfaults, podstatus
from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.controllers.events import Events, Told
from reconciler.simulator.faults import (
    ContainerFault,
    Evicted,
    Faults,
    NotCreated,
    PodRule,
    Refused,
    StuckTerminating,
)
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import CONFIG_MAP, POD, SECRET
from reconciler.simulator.schema import Json
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Deletion, Verbs, Writer

WRITER = Writer("kubelet")
# A kubelet looks again for a missing Secret or ConfigMap.
RETRY_SECONDS = 1.0
SOURCE_KINDS = {"Secret": SECRET, "ConfigMap": CONFIG_MAP}
LOW = "The node was low on resource: ephemeral-storage. "


@dataclass
class Spell:
    """How long a pod has suffered from one rule. told: the latest try that events told of."""

    rule: PodRule
    began: float
    restarts: int
    told: int = -1


class Kubelet:
    def __init__(self, verbs: Verbs, delays: Delays, faults: Faults, events: Events) -> None:
        self._verbs, self._delays, self._faults, self._events = verbs, delays, faults, events
        self._since: dict[tuple[str, str], float] = {}
        self._spells: dict[str, Spell] = {}
        self._numbers = itertools.count(2)
        self._addresses: set[str] = set()

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is not None and stored.kind is POD:
            yield stored.key
            self._note(stored, gone=change.new is None)

    def sync(self, key: tuple[str, str]) -> float | None:
        pod = self._verbs.store.get(POD, *key)
        if pod is None:
            return None
        if pod.deleting:
            return self._end(pod)
        if pod.body["status"].get("phase") in ("Succeeded", "Failed"):
            return None
        return self._run(pod) if pod.body["spec"].get("nodeName") else None

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
        self._spells.pop(pod.uid, None)
        for what in ("node", "end", "run"):
            self._since.pop((pod.uid, what), None)

    def _end(self, pod: Stored) -> float | None:
        left = self._delays.gone_after - self._waited(pod, "end")
        if left > 0:
            return left
        if self._faults.of(StuckTerminating, pod) is None:
            self._verbs.delete(pod, Deletion(grace=0, uid=pod.uid))
        return None

    def _run(self, pod: Stored) -> float | None:
        rule = podfaults.rule_on(self._faults, pod)
        if rule is not None:
            return self._suffer(pod, rule)
        if pod.body["status"]["phase"] == "Running" and _ready(pod):
            self._spells.pop(pod.uid, None)
            return self._evict(pod)
        left = self._delays.ready_after - self._waited(pod, "node")
        if left > 0:
            self._write(pod, podstatus.creating(pod.body, now()))
            return left
        missing = self._missing(pod)
        if missing:
            self._suffer(pod, Refused(fault="CreateContainerConfigError", message=missing))
            return RETRY_SECONDS
        self._write(pod, podstatus.report(pod.body, now(), self._address(pod)))
        return None

    def _missing(self, pod: Stored) -> str:
        for source in podstatus.sources(pod.body["spec"]):
            if not self._verbs.store.get(SOURCE_KINDS[source.kind], pod.namespace, source.name):
                return source.missing
        return ""

    def _suffer(self, pod: Stored, rule: PodRule) -> float | None:
        spell = self._spells.get(pod.uid)
        if spell is None or spell.rule != rule:
            before = podstatus.shown(pod.body, podfaults.suffering(rule, pod))
            spell = Spell(rule, time.monotonic(), before.get("restartCount", 0))
            self._spells[pod.uid] = spell
        every = rule.every if isinstance(rule, ContainerFault) else podfaults.EVERY_SECONDS
        count, left = podfaults.step(time.monotonic() - spell.began, every)
        address = "" if isinstance(rule, NotCreated) else self._address(pod)
        effect = podfaults.effect(rule, pod, count, spell.restarts, address)
        made = effect.trouble is not None
        self._write(
            pod, podstatus.report(pod.body, now(), address, made=made, trouble=effect.trouble)
        )
        if spell.told < count:
            spell.told = count
            for told in effect.events:
                self._events.tell(pod, told)
        return left

    def _evict(self, pod: Stored) -> float | None:
        rule = self._faults.of(Evicted, pod)
        if rule is None:
            return None
        left = rule.after - self._waited(pod, "run")
        if left > 0:
            return left
        message = rule.message or LOW
        self._write(pod, podstatus.evicted(pod.body["status"], now(), message))
        self._events.tell(pod, Told("Evicted", message, "kubelet"))
        self._faults.happened(rule)
        return None

    def _write(self, pod: Stored, status: Json) -> None:
        if status != pod.body["status"]:
            self._verbs.record(pod, {**pod.body, "status": status}, WRITER, "status")

    def _address(self, pod: Stored) -> str:
        """The pod's own, or the next free one of 62,500."""
        known: str = pod.body["status"].get("podIP", "")
        if known:
            return known
        while True:
            number = next(self._numbers) % 62_500
            address = f"10.244.{number // 250}.{number % 250 + 1}"
            if address not in self._addresses:
                return address


def _ready(pod: Stored) -> bool:
    conditions = pod.body["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
