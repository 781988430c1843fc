"""Namespaces: each has a `default` service account; a deleted one is emptied, then goes."""

from collections.abc import Hashable, Iterable

from reconciler.simulator.history import Change
from reconciler.simulator.kinds import NAMESPACE, SERVICE_ACCOUNT
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import Deletion, Verbs, Writer

WRITER = Writer("kube-controller-manager")


class Namespaces:
    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def concerns(self, change: Change) -> Iterable[Hashable]:
        stored = change.new or change.gone
        if stored is None:
            return
        if stored.kind is NAMESPACE:
            yield stored.name
        elif change.new is None:
            yield stored.namespace

    def sync(self, key: str) -> None:
        namespace = self._verbs.store.get(NAMESPACE, "", key)
        if namespace is None:
            return
        if namespace.deleting:
            self._empty(namespace)
        elif self._verbs.store.get(SERVICE_ACCOUNT, namespace.name, "default") is None:
            body = {"metadata": {"name": "default"}}
            self._verbs.create(SERVICE_ACCOUNT, namespace.name, body, WRITER)

    def _empty(self, namespace: Stored) -> None:
        left = False
        for table in self._verbs.store.tables.values():
            if not table.kind.namespaced:
                continue
            for stored in table.select(namespace.name):
                if not stored.deleting:
                    self._verbs.delete(stored, Deletion("Background", uid=stored.uid))
            left = left or bool(table.select(namespace.name))
        if not left and not namespace.meta.get("finalizers"):
            self._verbs.finalize_namespace(namespace)
