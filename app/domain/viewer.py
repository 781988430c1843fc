"""Who asks: the user behind a request, and the accounts whose things that user may see."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Scope(Protocol):
    """Something that says which accounts' rows may be seen."""

    @property
    def accounts(self) -> tuple[UUID, ...]:
        """These."""

    @property
    def user_id(self) -> UUID | None:
        """And the user whose own things may be seen beside them."""


@dataclass(frozen=True, slots=True)
class Account:
    """The scope of whatever works for everybody who may see one account, such as its feed."""

    account_id: UUID

    @property
    def accounts(self) -> tuple[UUID, ...]:
        """The one."""
        return (self.account_id,)

    @property
    def user_id(self) -> None:
        """Nobody's."""


class ActorKind(StrEnum):
    """What kind of actor did something; TOKEN comes with API tokens."""

    USER = "USER"
    TOKEN = "TOKEN"  # noqa: S105 - a kind of actor, not a secret
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as the change log remembers it."""

    kind: ActorKind
    name: str
    user_id: UUID | None = None


class Author(Scope, Protocol):
    """A scope that writes, and is named as whoever did it."""

    @property
    def actor(self) -> Actor:
        """As the change log remembers it."""


@dataclass(frozen=True, slots=True)
class System:
    """Mooring's own work, for nobody in particular: it sees no account's rows as the API, and all
    of them as the reconciler, which is its database role's doing and not this object's."""

    name: str

    @property
    def accounts(self) -> tuple[UUID, ...]:
        """None: what a system reads of accounts' rows it reads as another scope, or not at all."""
        return ()

    @property
    def user_id(self) -> None:
        """Nobody's."""

    @property
    def actor(self) -> Actor:
        """This system in the change log."""
        return Actor(ActorKind.SYSTEM, self.name)


# Who signs in, whether Postgres is there, where feeds stand, what is too old: no tenant's rows.
API = System("api")
RECONCILER = System("reconciler")


@dataclass(frozen=True, slots=True)
class Position:
    """Where one account's change log stood: its number in cursors and the last `seq`."""

    account_id: UUID
    number: int
    seq: int


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user, read from one row set together with where the user's change logs stood.

    `home` is the personal account, which new projects belong to; `expires_at` the end of the
    token; `epoch` and `positions` make `changeCursor`.
    """

    user_id: UUID
    login: str
    created_at: datetime
    home: UUID
    expires_at: datetime
    epoch: int
    positions: tuple[Position, ...]

    @property
    def accounts(self) -> tuple[UUID, ...]:
        """The accounts whose rows this viewer may see."""
        return tuple(position.account_id for position in self.positions)

    @property
    def actor(self) -> Actor:
        """This viewer in the change log."""
        return Actor(ActorKind.USER, self.login, self.user_id)
