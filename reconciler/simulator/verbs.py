"""What can be done to an object: create, update, apply, delete. The one way into the store.

Bodies come decoded (`decoding`), from requests and from our own controllers alike, so both pass
the same admission, validation and ownership. Each verb is one step that nothing comes between.
"""

from dataclasses import dataclass
from typing import Any

from reconciler.simulator import ownership, prepare, status
from reconciler.simulator.admission import Attempt, admitted, judge
from reconciler.simulator.clock import now
from reconciler.simulator.defaults import defaulted
from reconciler.simulator.kinds import NAMESPACE, POD, Kind
from reconciler.simulator.names import invalid_value
from reconciler.simulator.ownership import Manager, Owners
from reconciler.simulator.schema import Json, of
from reconciler.simulator.store import Store
from reconciler.simulator.stored import Stored
from reconciler.simulator.validation import check_create, check_update

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
IMMORTAL = frozenset({"default", "kube-system"})
BOOKKEEPING = ("managedFields", "resourceVersion")


@dataclass(frozen=True)
class Writer:
    """Who writes, as managedFields names him; dry_run writes nothing and answers as if."""

    manager: str
    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True)
class Deletion:
    """DeleteOptions; grace is in seconds, None the object's own."""

    propagation: str | None = None
    grace: int | None = None
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False


@dataclass
class Verbs:
    store: Store

    def get(self, kind: Kind, namespace: str, name: str) -> Stored:
        found = self.store.get(kind, namespace, name)
        if found is None:
            raise status.not_found(kind, name)
        return found

    # -- create ----------------------------------------------------------------------------------
    def create(self, kind: Kind, namespace: str, body: Json, writer: Writer) -> Stored:
        _same_namespace(namespace, body)
        if body.get("metadata", {}).get("resourceVersion", "0") not in ("", "0"):
            raise status.Refusal(500, "resourceVersion should not be set on objects to be created")
        filled = defaulted(kind.shape, body)
        manager = Manager(writer.manager, "Update", kind.api_version)
        owners = ownership.updated(of(kind.shape), {}, filled, manager)
        return self._create(
            kind, namespace, filled, owners=owners, manager=manager, dry_run=writer.dry_run
        )

    def _create(
        self,
        kind: Kind,
        namespace: str,
        body: Json,
        *,
        owners: Owners,
        manager: Manager,
        dry_run: bool,
    ) -> Stored:
        body = prepare.identified(kind, namespace, body)
        attempt = Attempt(self.store, kind, namespace, None)
        body = admitted(attempt, body)
        body = prepare.begun(kind, self.store, body)
        check_create(kind, body)
        judge(attempt, body)
        name = body["metadata"]["name"]
        if known := self.store.get(kind, namespace, name):
            raise status.already_exists(kind, name, terminating=known.deleting)
        body = _owned(body, ownership.stamped(owners, manager, now()))
        if dry_run:
            return Stored(kind, namespace, name, 0, body)
        return self.store.put(kind, namespace, name, body)

    # -- update ----------------------------------------------------------------------------------
    def update(self, live: Stored, body: Json, writer: Writer, subresource: str = "") -> Stored:
        """Replace; a metadata.resourceVersion or uid in the body must be the live one's."""
        _same_namespace(live.namespace, body)
        _unchanged_identity(live, body)
        kind = live.kind
        manager = Manager(writer.manager, "Update", kind.api_version, subresource)
        merged = prepare.changed(kind, live.body, defaulted(kind.shape, body), subresource)
        owners = ownership.updated(of(kind.shape), live.body, merged, manager)
        return self._finish(live, merged, owners, manager, writer)

    def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        config: Json,
        writer: Writer,
        *,
        subresource: str = "",
    ) -> tuple[Stored, bool]:
        """Server-side apply; (the object, whether it was created)."""
        live = self.store.get(kind, namespace, name)
        config = _applicable(kind, config, subresource)
        manager = Manager(writer.manager, "Apply", kind.api_version, subresource)
        uid = config["metadata"].get("uid")
        if live is None:
            if subresource:
                raise status.not_found(kind, name)
            if uid:
                why = (
                    f"uid mismatch: the provided object specified uid {uid},"
                    " and no existing object was found"
                )
                raise status.conflict(kind, name, why)
            merged, owners = ownership.applied(of(kind.shape), {}, config, manager, force=True)
            filled = defaulted(kind.shape, merged)
            return self._create(
                kind, namespace, filled, owners=owners, manager=manager, dry_run=writer.dry_run
            ), True
        if uid and uid != live.uid:
            cause = invalid_value(f'"{uid}"', "field is immutable", "metadata.uid")
            raise status.invalid(kind, name, [cause])
        _unchanged_identity(live, config)
        merged, owners = ownership.applied(
            of(kind.shape), live.body, config, manager, force=writer.force
        )
        merged = prepare.changed(kind, live.body, defaulted(kind.shape, merged), subresource)
        return self._finish(live, merged, owners, manager, writer), False

    def _finish(
        self, live: Stored, body: Json, owners: Owners, manager: Manager, writer: Writer
    ) -> Stored:
        kind = live.kind
        attempt = Attempt(self.store, kind, live.namespace, live.body)
        body = admitted(attempt, body)
        same = _bare(live.body) == _bare(body)
        if same and ownership.written(owners) == live.meta.get("managedFields", []):
            return live
        if not same:
            check_update(kind, live.body, body)
            judge(attempt, body)
            body = prepare.regenerated(kind, live.body, body)
            owners = ownership.stamped(owners, manager, now())
        body = _owned(body, owners)
        if writer.dry_run:
            return _as_of(live, body)
        if _may_go(kind, body):
            self.store.drop(live)
            return _as_of(live, body)
        return self.store.put(kind, live.namespace, live.name, body)

    def record(self, live: Stored, body: Json, writer: Writer, subresource: str) -> Stored:
        """What a controller saw or did, written as it is: owned, not judged."""
        kind = live.kind
        manager = Manager(writer.manager, "Update", kind.api_version, subresource)
        owners = ownership.updated(of(kind.shape), live.body, body, manager)
        body = _owned(body, ownership.stamped(owners, manager, now()))
        return self.store.put(kind, live.namespace, live.name, body)

    # -- delete ----------------------------------------------------------------------------------
    def delete(self, live: Stored, options: Deletion) -> Stored | Json:
        """The object while it stays or if its kind answers it, else a Status."""
        _preconditions(live, options)
        if live.kind is NAMESPACE and live.name in IMMORTAL:
            raise status.forbidden(live.kind, live.name, "this namespace may not be deleted", [])
        meta = dict(live.meta)
        finalizers = _finalizers(meta.get("finalizers", []), options.propagation)
        meta.pop("finalizers", None)
        if finalizers:
            meta["finalizers"] = finalizers
        body = {**live.body, "metadata": meta}
        grace = _grace(live, options)
        if live.kind is NAMESPACE:
            return self._terminate_namespace(live, body, options)
        if grace:
            return self._mark(live, body, grace, options)
        if finalizers:
            return self._mark(live, body, 0, options)
        if live.meta.get("deletionGracePeriodSeconds"):
            # Upstream writes that the time is up before it removes the object: two events.
            live = self._mark(live, body, 0, options)
            body = live.body
        if not options.dry_run:
            self.store.drop(live)
        if live.kind is POD and "deletionTimestamp" not in meta:
            meta |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}
        if live.kind.returned:
            return _as_of(live, body)
        return status.deleted(live.kind, live.name, live.uid)

    def _mark(self, live: Stored, body: Json, grace: int, options: Deletion) -> Stored:
        meta = body["metadata"]
        before = meta.get("deletionGracePeriodSeconds")
        if before is None or before > grace:
            meta["deletionTimestamp"] = now(grace)
            meta["deletionGracePeriodSeconds"] = grace
        if before is None and "generation" in meta:
            meta["generation"] += 1
        if meta == live.meta:
            return live
        if options.dry_run:
            return _as_of(live, body)
        return self.store.put(live.kind, live.namespace, live.name, body)

    def _terminate_namespace(self, live: Stored, body: Json, options: Deletion) -> Stored:
        if live.deleting or options.dry_run:
            return live
        body["metadata"]["deletionTimestamp"] = now()
        terminating = {**body.get("status", {}), "phase": "Terminating"}
        return self.store.put(live.kind, "", live.name, {**body, "status": terminating})

    def finalize_namespace(self, live: Stored) -> None:
        """The namespace is empty: it goes."""
        self.store.drop(live)


def _same_namespace(namespace: str, body: Json) -> None:
    given = body.get("metadata", {}).get("namespace", "")
    if given and given != namespace:
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _unchanged_identity(live: Stored, body: Json) -> None:
    meta = body.get("metadata", {})
    version, uid = meta.get("resourceVersion"), meta.get("uid")
    if version and version != "0" and version != str(live.version):
        raise status.conflict(live.kind, live.name)
    if uid and uid != live.uid:
        group = f"{live.kind.group}/" if live.kind.group else ""
        why = (
            f"StorageError: invalid object, Code: 4, Key: /registry/{group}{live.kind.plural}"
            f"/{live.namespace}/{live.name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition"
            f" failed: UID in precondition: {uid}, UID in object meta: {live.uid}"
        )
        raise status.conflict(live.kind, live.name, why)


def _applicable(kind: Kind, config: Json, subresource: str) -> Json:
    """The body of an apply without what its endpoint resets."""
    if config.get("metadata", {}).get("managedFields"):
        raise status.bad_request("metadata.managedFields must be nil")
    if subresource == "status":
        return {key: value for key, value in config.items() if key in ("metadata", "status")}
    if "status" in kind.subresources:
        config = {key: value for key, value in config.items() if key != "status"}
    return config


def _bare(body: Json) -> Json:
    meta = {key: value for key, value in body["metadata"].items() if key not in BOOKKEEPING}
    return {**body, "metadata": meta}


def _owned(body: Json, owners: Owners) -> Json:
    written = ownership.written(owners)
    meta = {**body["metadata"]}
    meta.pop("managedFields", None)
    if written:
        meta["managedFields"] = written
    return {**body, "metadata": meta}


def _as_of(live: Stored, body: Json) -> Stored:
    """A body that is answered and not stored: it carries the live version."""
    meta = {**body["metadata"], "resourceVersion": str(live.version)}
    return Stored(live.kind, live.namespace, live.name, live.version, {**body, "metadata": meta})


def _may_go(kind: Kind, body: Json) -> bool:
    meta = body["metadata"]
    if "deletionTimestamp" not in meta or meta.get("finalizers") or kind is NAMESPACE:
        return False
    return not meta.get("deletionGracePeriodSeconds")


def _preconditions(live: Stored, options: Deletion) -> None:
    if options.uid is not None and options.uid != live.uid and live.kind is NAMESPACE:
        uids = f"UID in precondition: {options.uid}, UID in object meta: {live.uid}"
        raise status.conflict(live.kind, live.name, f"Precondition failed: {uids}")
    if options.uid is not None and options.uid != live.uid:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record"
            f" ({live.uid}). The object might have been deleted and then recreated"
        )
        raise status.precondition_failed(live.kind, live.name, why)
    if options.version is not None and options.version != str(live.version):
        why = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the"
            f" ResourceVersion in record ({live.version}). The object might have been modified"
        )
        raise status.precondition_failed(live.kind, live.name, why)


def _finalizers(present: list[str], propagation: str | None) -> list[str]:
    if propagation is None:
        return present
    kept = [name for name in present if name not in (FOREGROUND, ORPHAN)]
    added = {"Foreground": [FOREGROUND], "Orphan": [ORPHAN]}.get(propagation, [])
    return kept + added


def _grace(live: Stored, options: Deletion) -> int:
    """Seconds until the kubelet must be done: pods alone, once they are on a node."""
    if live.kind is not POD:
        return 0
    spec: dict[str, Any] = live.body["spec"]
    phase = live.body.get("status", {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    asked = options.grace if options.grace is not None else spec["terminationGracePeriodSeconds"]
    seconds: int = max(0, asked)
    return seconds
