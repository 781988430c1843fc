"""ResourceQuotas' status: what is allowed and what is used. Admission does not wait for it."""

from collections.abc import Hashable, Iterable

from reconciler.simulator import quota
from reconciler.simulator.history import Change
from reconciler.simulator.kinds import EVENT, RESOURCE_QUOTA
from reconciler.simulator.verbs import Verbs, Writer

WRITER = Writer("kube-controller-manager")


class Quotas:
    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is not None and stored.kind is not EVENT:
            for found in self._verbs.store.tables[RESOURCE_QUOTA].select(stored.namespace):
                yield found.key

    def sync(self, key: tuple[str, str]) -> None:
        found = self._verbs.store.get(RESOURCE_QUOTA, *key)
        if found is None:
            return
        hard = found.body.get("spec", {}).get("hard", {})
        status = {"hard": hard, "used": quota.used(self._verbs.store, found.namespace, hard)}
        if status != found.body.get("status"):
            self._verbs.record(found, {**found.body, "status": status}, WRITER, "status")
