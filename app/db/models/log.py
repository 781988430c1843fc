"""What happened: the change log with its counters, and the audit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.base import NOW, Base


class Installation(Base):
    """One row: the epoch of cursors, changed by a restore; and the mark on all that this
    installation makes in clusters, which is kept by one."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="installation_single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    epoch: Mapped[int] = mapped_column(BIGINT)
    mark: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))


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


class Audit(Base):
    """Who did what, on what, from where, and what came of it; the API only ever adds to it."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_user", "user_id", "at", "id"),
        Index("audit_account", "account_id", "at", "id"),
        Index("audit_at", "at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=NOW)
    account_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    session_id: Mapped[UUID | None]
    token_id: Mapped[UUID | None]
    address: Mapped[str | None]
    action: Mapped[str]
    subject_type: Mapped[str | None]
    subject_id: Mapped[UUID | None]
    subject_name: Mapped[str | None]
    outcome: Mapped[str]
    detail: Mapped[dict[str, Any] | None]
