"""What is an orphan, and when it may go: pure.

An object belongs to whom its label `mooring.dev/resource` names, together with the namespace that
it is in: a copy of it elsewhere is nobody's. Whose installation that owner is of, the mark says
that is on what Mooring writes; pods and volumes have none, nor had anything before marks were made,
so that of the others with the same owner counts, and then that of the account's namespace. Without
either nobody can tell two installations apart, and nothing is touched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.domain.states import ResourceKind
from reconciler.manifests.identity import INSTALLATION, RESOURCE
from reconciler.manifests.kinds import CLAIM, CLUSTER, OLD_CLUSTER, POD, Kind, Object
from reconciler.manifests.namespace import ACCOUNT

# Of what is managed, that may go without being told how many.
MOST_SHARE = 0.2
_INSTANCE = "app.kubernetes.io/instance"
_COMPONENT = "app.kubernetes.io/name"
_KINDS = {kind.lower(): kind.capitalize() for kind in ResourceKind}
NAMESPACE = "Namespace"


class State(StrEnum):
    """What may be done about an orphan."""

    REMOVABLE = "removable"
    YOUNG = "within the grace period"
    GOING = "being deleted"


@dataclass(frozen=True, slots=True)
class Piece:
    """As much of an object as it takes to judge and name it; `disk`: what a claim asks for."""

    kind: Kind
    name: str
    uid: str
    made: datetime
    going: bool
    mark: str | None
    disk: str | None
    component: str
    instance: str


@dataclass(frozen=True, slots=True)
class Owner:
    """A resource or an account as labels name it, and the namespace of what belongs to it."""

    id: UUID
    namespace: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """What is there of an owner that no row knows; `what`: Sandbox, Database or Namespace."""

    owner: Owner
    what: str
    name: str
    pieces: Sequence[Piece]

    @property
    def made(self) -> datetime:
        """When the youngest of it was made: what is still being made is no orphan yet.

        Pods come and go with nodes, so they say nothing as long as there is something else.
        """
        lasting = [piece for piece in self.pieces if piece.kind is not POD] or self.pieces
        return max(piece.made for piece in lasting)

    @property
    def disks(self) -> list[str]:
        """What would be lost: the sizes of its volumes, and a database's are its operator's."""
        found = [piece.disk or "a volume" for piece in self.pieces if piece.kind is CLAIM]
        if any(piece.kind in (CLUSTER, OLD_CLUSTER) for piece in self.pieces):
            found.append("a database's")
        return found

    def state(self, now: datetime | None, grace: timedelta) -> State:
        """Whether it may go; where the cluster does not say how late it is, nothing is old."""
        if all(piece.going for piece in self.pieces):
            return State.GOING
        old = now is not None and now - self.made >= grace
        return State.REMOVABLE if old else State.YOUNG


def owner_of(body: Object) -> Owner | None:
    """The owner that an object of a resource names; None when that is none of ours."""
    meta = body["metadata"]
    return _owner((meta.get("labels") or {}).get(RESOURCE), meta.get("namespace", ""))


def account_of(namespace: Object) -> Owner | None:
    """The account that a namespace names."""
    meta = namespace["metadata"]
    return _owner((meta.get("labels") or {}).get(ACCOUNT), meta["name"])


def piece_of(kind: Kind, body: Object) -> Piece:
    """What is to be remembered of an object."""
    meta, labels = body["metadata"], body["metadata"].get("labels") or {}
    asked = ((body.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return Piece(
        kind=kind,
        name=meta["name"],
        uid=meta["uid"],
        made=_moment(meta.get("creationTimestamp")),
        going="deletionTimestamp" in meta,
        mark=labels.get(INSTALLATION),
        disk=str(asked["storage"]) if kind is CLAIM and asked.get("storage") else None,
        component=str(labels.get(_COMPONENT, "")),
        instance=str(labels.get(_INSTANCE, "")),
    )


def orphan_of(owner: Owner, pieces: Sequence[Piece]) -> Orphan:
    """What is there of a resource without a row."""
    what = next((_KINDS[p.component] for p in pieces if p.component in _KINDS), "Resource")
    name = next((p.instance for p in pieces if p.instance), pieces[0].name)
    return Orphan(owner, what, name, pieces)


def mark_of(pieces: Iterable[Piece], namespace: str | None) -> str | None:
    """Whose an owner is: what its objects say, else its `namespace`; None when nobody knows."""
    marks = {piece.mark for piece in pieces if piece.mark}
    if len(marks) > 1:
        return None
    return next(iter(marks), namespace)


def refusal(going: int, managed: int, expected: int | None) -> str | None:
    """Why so many may not be removed; None when they may.

    `managed`: the owners of this installation that are there, with rows and without.
    """
    if expected is not None:
        if expected == going:
            return None
        return f"--expect says {expected}, and {going} would go: look again"
    if going <= MOST_SHARE * managed:
        return None
    return (
        f"{going} of the {managed} that are here would go, more than {MOST_SHARE:.0%}, as from an"
        f" empty or restored database: if that is right, say --expect {going}"
    )


def _owner(label: object, namespace: str) -> Owner | None:
    try:
        return Owner(UUID(str(label)), namespace)
    except ValueError:
        return None


def _moment(said: object) -> datetime:
    """A time as Kubernetes writes it; what cannot be read is of the future, and so never old."""
    try:
        return datetime.fromisoformat(str(said)).astimezone(UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
