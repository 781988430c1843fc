"""Garbage collection by ownerReferences: Foreground, Orphan, and what has lost its owners."""

from collections.abc import Hashable, Iterable

from reconciler.simulator.history import Change
from reconciler.simulator.kinds import BY_NAME, Kind
from reconciler.simulator.schema import Json
from reconciler.simulator.store import Store
from reconciler.simulator.stored import Stored
from reconciler.simulator.verbs import FOREGROUND, ORPHAN, Deletion, Verbs, Writer

WRITER = Writer("kube-controller-manager")


class Garbage:
    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs

    def concerns(self, change: Change) -> Iterable[Hashable]:
        new, gone = change.new, change.gone
        if new is not None and (new.deleting or "ownerReferences" in new.meta):
            yield new.kind, new.key
        if gone is not None:
            for dependent in self._verbs.store.dependents(gone.uid):
                yield dependent.kind, dependent.key
        lost = change.old if change.old and "ownerReferences" in change.old.meta else None
        for reference in lost.meta["ownerReferences"] if lost else ():
            owner = self._verbs.store.by_uid(reference["uid"])
            if owner is not None and owner.deleting:
                yield owner.kind, owner.key

    def sync(self, key: tuple[Kind, tuple[str, str]]) -> None:
        kind, (namespace, name) = key
        stored = self._verbs.store.get(kind, namespace, name)
        if stored is None:
            return
        finalizers = stored.meta.get("finalizers", ())
        if stored.deleting and ORPHAN in finalizers:
            self._orphan(stored)
        elif stored.deleting and FOREGROUND in finalizers:
            self._delete_dependents(stored)
        elif not stored.deleting and self._abandoned(stored):
            self._verbs.delete(stored, Deletion("Background", uid=stored.uid))

    def _abandoned(self, stored: Stored) -> bool:
        """Whether it had owners and none of them will stay."""
        references = stored.meta.get("ownerReferences", ())
        store = self._verbs.store
        return bool(references) and not any(_present(store, owner) for owner in references)

    def _delete_dependents(self, owner: Stored) -> None:
        store = self._verbs.store
        for dependent in store.dependents(owner.uid):
            if not dependent.deleting and not _other_owner(store, dependent, owner.uid):
                policy = "Foreground" if store.dependents(dependent.uid) else "Background"
                self._verbs.delete(dependent, Deletion(policy, uid=dependent.uid))
        left = [item for item in store.dependents(owner.uid) if _blocks(item, owner.uid)]
        if not left:
            self._finish(owner, FOREGROUND)

    def _orphan(self, owner: Stored) -> None:
        for dependent in self._verbs.store.dependents(owner.uid):
            kept = [
                reference
                for reference in dependent.meta["ownerReferences"]
                if reference["uid"] != owner.uid
            ]
            meta = {**dependent.meta, "ownerReferences": kept}
            self._verbs.update(dependent, {**dependent.body, "metadata": meta}, WRITER)
        self._finish(owner, ORPHAN)

    def _finish(self, owner: Stored, finalizer: str) -> None:
        current = self._verbs.store.by_uid(owner.uid)
        if current is not None:
            kept = [name for name in current.meta.get("finalizers", ()) if name != finalizer]
            meta = {**current.meta, "finalizers": kept}
            self._verbs.update(current, {**current.body, "metadata": meta}, WRITER)


def _present(store: Store, reference: Json) -> bool:
    """An owner that is there, or of a kind that this server does not know."""
    kind: Kind | None = BY_NAME.get((reference["apiVersion"], reference["kind"]))
    return kind is None or store.by_uid(reference["uid"]) is not None


def _other_owner(store: Store, dependent: Stored, uid: str) -> bool:
    """Whether another owner keeps it: one that is there and is not being deleted."""
    for reference in dependent.meta.get("ownerReferences", ()):
        owner = store.by_uid(reference["uid"])
        if reference["uid"] != uid and owner is not None and not owner.deleting:
            return True
    return False


def _blocks(dependent: Stored, uid: str) -> bool:
    return any(
        reference["uid"] == uid and reference.get("blockOwnerDeletion")
        for reference in dependent.meta.get("ownerReferences", ())
    )
