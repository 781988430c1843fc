"""Who signs in, how, and what belongs to a user alone: sessions, tokens, settings."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.base import LONG_AGO, NOW, Base, one_of
from app.domain.settings import Category


class User(Base):
    """Someone who can sign in."""

    __tablename__ = "user"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class UserIdentity(Base):
    """One way to sign in; for PASSWORD `secret` is the argon2id hash.

    `about` is what the provider says of the user; its tokens are sealed.
    """

    __tablename__ = "user_identity"
    __table_args__ = (
        UniqueConstraint("provider", "provider_user_id"),
        Index("user_identity_primary", "user_id", unique=True, postgresql_where=text("is_primary")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    provider: Mapped[str]
    provider_user_id: Mapped[str]
    secret: Mapped[str | None]
    is_primary: Mapped[bool]
    about: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'"))
    access_token: Mapped[bytes | None]
    refresh_token: Mapped[bytes | None]
    token_expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Account(Base):
    """Who owns projects; tenancy, change log and quotas hang on it.

    `k8s_namespace` is its namespace in the operator's cluster, drawn with the account: no intent
    has to lock it. It is made there with the first resource that goes into it. `closing_since`: the
    account is to go (`closings`), and is looked at next at `closing_due`.
    """

    __tablename__ = "account"
    __table_args__ = (
        Index("account_closing", "closing_due", postgresql_where=text("closing_since IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    login: Mapped[str] = mapped_column(unique=True)
    k8s_namespace: Mapped[str] = mapped_column(unique=True)
    closing_since: Mapped[datetime | None]
    closing_due: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Membership(Base):
    """Which accounts a user may see."""

    __tablename__ = "membership"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), primary_key=True, index=True)
    role: Mapped[str]


class Idempotency(Base):
    """The first answer to a mutation with a key, for 24 hours."""

    __tablename__ = "idempotency"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    mutation: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW, index=True)


class Session(Base):
    """One sign-in on one device; its tokens name it, and end with it.

    `rotation` counts the refresh tokens given out: an older one that comes again ends the session.
    `access_until` is the end of the newest access token, to which streams live.
    """

    __tablename__ = "session"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    provider: Mapped[str]
    device: Mapped[str | None]
    address: Mapped[str | None]
    rotation: Mapped[int] = mapped_column(server_default=text("0"))
    rotated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    authenticated_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_used_at: Mapped[datetime] = mapped_column(server_default=NOW)
    access_until: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ApiToken(Base):
    """A credential of a program; `hash` is SHA-256 of what was shown once."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    hint: Mapped[str]
    scopes: Mapped[list[str]]
    project_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid()))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class UserConfig(Base):
    """One setting of a user; every value is sealed, `is_secret` says which are shown masked."""

    __tablename__ = "user_config"
    __table_args__ = (UniqueConstraint("user_id", "key"), one_of("category", Category))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str]
    value: Mapped[bytes]
    category: Mapped[str]
    is_secret: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Throttle(Base):
    """How often something was tried lately: shared by all processes, gone with a crash (no WAL)."""

    __tablename__ = "throttle"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - as SQLAlchemy declares it

    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[float]
    since: Mapped[datetime] = mapped_column(server_default=NOW)
    until: Mapped[datetime] = mapped_column(server_default=LONG_AGO, index=True)
