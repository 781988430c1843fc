"""Who asks: the user behind a request, and the accounts whose things that user may see."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

# The end of what has none.
NEVER = datetime.max.replace(tzinfo=UTC)


class Scope(Protocol):
    """Something that says which accounts' rows may be seen."""

    @property
    def accounts(self) -> tuple[UUID, ...]:
        """These."""

    @property
    def user_id(self) -> UUID | None:
        """And the user whose own things may be seen beside them."""

    @property
    def projects(self) -> tuple[UUID, ...] | None:
        """And of these projects alone; None is all."""


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

    @property
    def projects(self) -> None:
        """All of them."""


class TokenScope(StrEnum):
    """What an API token may do; a session may all of it."""

    PROJECTS_READ = "projects:read"
    PROJECTS_WRITE = "projects:write"
    SECRETS_READ = "secrets:read"
    ACCOUNT = "account"


class ActorKind(StrEnum):
    """What kind of actor did something."""

    USER = "USER"
    TOKEN = "TOKEN"  # noqa: S105 - a kind of actor, not a secret
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, as the change log remembers it; the rest is for the audit alone."""

    kind: ActorKind
    name: str
    user_id: UUID | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None
    address: str | None = None


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
    def projects(self) -> None:
        """No limit beside that."""

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
class Grant:
    """What a viewer came with: a session, or an API token with its limits.

    `projects` None is all of them. `authenticated_at`: when the user last proved who it is, None
    for a token; `address`: where the request came from.
    """

    session_id: UUID | None = None
    token_id: UUID | None = None
    token_name: str | None = None
    scopes: frozenset[TokenScope] = frozenset(TokenScope)
    projects: tuple[UUID, ...] | None = None
    authenticated_at: datetime | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user, read from one row set together with where the user's change logs stood.

    `home` is the personal account, which new projects belong to; `expires_at` the end of the
    session or token; `epoch` and `positions` make `changeCursor`.
    """

    user_id: UUID
    login: str
    created_at: datetime
    home: UUID
    expires_at: datetime
    epoch: int
    positions: tuple[Position, ...]
    grant: Grant = field(default_factory=Grant)

    @property
    def accounts(self) -> tuple[UUID, ...]:
        """The accounts whose rows this viewer may see."""
        return tuple(position.account_id for position in self.positions)

    @property
    def projects(self) -> tuple[UUID, ...] | None:
        """The projects that it is limited to; None is all of its accounts'."""
        return self.grant.projects

    @property
    def actor(self) -> Actor:
        """This viewer in the change log and in the audit."""
        grant = self.grant
        kind = ActorKind.USER if grant.token_id is None else ActorKind.TOKEN
        return Actor(
            kind,
            grant.token_name or self.login,
            self.user_id,
            grant.session_id,
            grant.token_id,
            grant.address,
        )
