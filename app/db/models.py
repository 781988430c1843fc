"""The schema, as SQLAlchemy models; migrations are checked against it.

Statements on these tables live in the modules of `app/db`, one per noun, as `text()` with bound
types (ORM costs 2.5 times as much on the hot ones, data-layer.md section 9). Who writes what:

- `resource`: desired_state, generation and its relatives, name by the API;
  phase to next_attempt_at by the reconciler's record; status by Postgres; asked, lane and due_at
  by both, through `resources.ask` and the record; the lease by claim, renew and record.
- `sandbox`: spec by the API with the intent, the two addresses by the record.
- `database`: spec by the API with the intent, host to password by the record.
- `project.status`, `feed` and `change`: whoever moved something visible, in the same transaction;
  `retention` raises a feed's floor and takes old changes away.

`change` has no foreign key but to `feed`, and children go by id, not by cascade: a key check locks
the parent at the end of a transaction, against the lock order (data-layer.md section 1).
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import BIGINT, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.domain.aggregate import ProjectStatus
from app.domain.states import DesiredState, Phase, ResourceKind, status_sql

NOW = text("mooring_now()")
# Half-empty pages keep the updates of claim and record on their page (HOT).
_CHURN = {"postgresql_with": {"fillfactor": 70, "autovacuum_vacuum_scale_factor": 0.02}}


def one_of(column: str, values: type[Any]) -> CheckConstraint:
    """A CHECK in place of an enum type: adding a value is then no ALTER TYPE."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Base(DeclarativeBase):
    """The metadata; text is `text`, and moments always carry their zone."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        str: Text(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
    }


class Installation(Base):
    """One row: the epoch of cursors, changed by a restore."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="installation_single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    epoch: Mapped[int] = mapped_column(BIGINT)


class User(Base):
    """Someone who can sign in."""

    __tablename__ = "user"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class UserIdentity(Base):
    """One way to sign in; for PASSWORD `secret` is the argon2id hash."""

    __tablename__ = "user_identity"
    __table_args__ = (UniqueConstraint("provider", "provider_user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    provider: Mapped[str]
    provider_user_id: Mapped[str]
    secret: Mapped[str | None]
    is_primary: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Account(Base):
    """Who owns projects; tenancy, change log and quotas hang on it."""

    __tablename__ = "account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user.id"), index=True)
    login: Mapped[str] = mapped_column(unique=True)
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


class Project(Base):
    """What is declared, started, stopped and deleted as one."""

    __tablename__ = "project"
    __table_args__ = (
        one_of("status", ProjectStatus),
        one_of("desired_state", DesiredState),
        Index("project_created", "account_id", "created_at", "id"),
        Index("project_name", "account_id", "name_folded", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    name_folded: Mapped[str] = mapped_column(Text(collation="C"))
    description: Mapped[str | None]
    description_folded: Mapped[str | None] = mapped_column(Text(collation="C"))
    github_repo: Mapped[str | None]
    status: Mapped[str]
    desired_state: Mapped[str]
    generation: Mapped[int]
    version: Mapped[int] = mapped_column(BIGINT, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Resource(Base):
    """Lifecycle, lease and explanation of one sandbox or database; narrow on purpose."""

    __tablename__ = "resource"
    __table_args__ = (
        UniqueConstraint("project_id", "kind", "name"),
        one_of("kind", ResourceKind),
        one_of("desired_state", DesiredState),
        one_of("phase", Phase),
        Index("resource_due", "lane", "due_at"),
        Index("resource_fair", "lane", "account_id", "due_at", postgresql_where=text("lane < 2")),
        _CHURN,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    project_id: Mapped[UUID] = mapped_column(ForeignKey("project.id"))
    kind: Mapped[str]
    name: Mapped[str]

    desired_state: Mapped[str]
    generation: Mapped[int]
    generation_since: Mapped[datetime] = mapped_column(server_default=NOW)
    desired_generation: Mapped[int]
    project_generation: Mapped[int]

    phase: Mapped[str] = mapped_column(server_default=text("'new'"))
    phase_since: Mapped[datetime] = mapped_column(server_default=NOW)
    was_ready: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str | None]
    message: Mapped[str | None]
    object: Mapped[str | None]
    since: Mapped[datetime | None]
    observed_generation: Mapped[int] = mapped_column(server_default=text("0"))
    failed_generation: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(Computed(status_sql(), persisted=True))

    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)

    asked: Mapped[int] = mapped_column(BIGINT, server_default=text("1"))
    lane: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    locked_until: Mapped[datetime] = mapped_column(server_default=text("'-infinity'"))
    lease_token: Mapped[UUID | None]
    locked_by: Mapped[str | None]
    claims: Mapped[int] = mapped_column(BIGINT, server_default=text("0"))


class Sandbox(Base):
    """What only a sandbox has; written when it changes, not with each pass."""

    __tablename__ = "sandbox"
    __table_args__ = (UniqueConstraint("k8s_namespace", "k8s_name"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    account_id: Mapped[UUID]
    k8s_namespace: Mapped[str]
    k8s_name: Mapped[str]
    project_name: Mapped[str]
    image: Mapped[str]
    cpu: Mapped[str]
    memory: Mapped[str]
    storage: Mapped[str]
    public_url: Mapped[str | None]
    ttyd_url: Mapped[str | None]
    ttyd_user: Mapped[str]
    ttyd_password: Mapped[bytes]


class Database(Base):
    """What only a database has; the second half is what the cluster gave it."""

    __tablename__ = "database"
    __table_args__ = (UniqueConstraint("k8s_namespace", "k8s_name"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    account_id: Mapped[UUID]
    k8s_namespace: Mapped[str]
    k8s_name: Mapped[str]
    version: Mapped[str | None]
    replicas: Mapped[int]
    cpu: Mapped[str]
    memory: Mapped[str]
    storage: Mapped[str]

    host: Mapped[str | None]
    port: Mapped[int | None]
    database: Mapped[str | None]
    username: Mapped[str | None]
    observed_version: Mapped[str | None]
    password: Mapped[bytes | None]


class Feed(Base):
    """Per account the counter of its change log; `number` names it in cursors."""

    __tablename__ = "feed"
    __table_args__ = {  # noqa: RUF012 - as SQLAlchemy declares it
        "postgresql_with": {"fillfactor": 10}
    }

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    seq: Mapped[int] = mapped_column(BIGINT, server_default=text("0"))
    floor: Mapped[int] = mapped_column(BIGINT, server_default=text("0"))


class Change(Base):
    """One line of history, outbox and stream in one."""

    __tablename__ = "change"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["feed.account_id"]),
        Index("change_project", "project_id", "seq"),
        Index("change_at", "at"),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BIGINT, primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    project_id: Mapped[UUID]
    action: Mapped[str]
    subject_id: Mapped[UUID]
    subject_type: Mapped[str]
    subject_name: Mapped[str]
    from_status: Mapped[str | None]
    to_status: Mapped[str | None]
    reason: Mapped[str | None]
    message: Mapped[str | None]
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    actor_user_id: Mapped[UUID | None]
