"""What users declare: projects, their resources and environments, and where these run."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import BIGINT
from sqlalchemy.orm import Mapped, mapped_column

from app.db.models.base import CHURN, LONG_AGO, NOW, Base, one_of
from app.domain.aggregate import ProjectStatus
from app.domain.settings import CredentialState
from app.domain.states import DesiredState, Phase, ResourceKind, status_sql


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
        CHURN,
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
    held_until: Mapped[datetime | None]
    falls: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    falling_since: Mapped[datetime | None]
    fell_at: Mapped[datetime | None]
    up_since: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(Computed(status_sql(), persisted=True))

    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)

    asked: Mapped[int] = mapped_column(BIGINT, server_default=text("1"))
    lane: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    locked_until: Mapped[datetime] = mapped_column(server_default=LONG_AGO)
    lease_token: Mapped[UUID | None]
    locked_by: Mapped[str | None]
    claims: Mapped[int] = mapped_column(BIGINT, server_default=text("0"))
    crashes: Mapped[int] = mapped_column(server_default=text("0"))
    trace_id: Mapped[UUID | None]


class Sandbox(Base):
    """What only a sandbox has; written when it changes, not with each pass."""

    __tablename__ = "sandbox"
    __table_args__ = (
        UniqueConstraint("k8s_namespace", "k8s_name"),
        Index(
            "sandbox_anthropic", "anthropic_id", postgresql_where=text("anthropic_id IS NOT NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    account_id: Mapped[UUID]
    k8s_server: Mapped[str | None]
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
    anthropic_id: Mapped[UUID | None]
    volumes: Mapped[str | None]
    definitions: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))


class SandboxPort(Base):
    """A port that a sandbox opens beside the app's and the terminal's."""

    __tablename__ = "sandbox_port"
    __table_args__ = (CheckConstraint("port BETWEEN 1024 AND 65535", name="port_free"),)

    sandbox_id: Mapped[UUID] = mapped_column(ForeignKey("sandbox.id"), primary_key=True)
    port: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AnthropicVersion(Base):
    """What sandboxes of an account get of its owner's Anthropic settings, as set at one time.

    `value` is JSON of variables, sealed; a sandbox names the version that it runs with, without a
    foreign key, whose check would look at `sandbox` once more than `anthropic` does.
    """

    __tablename__ = "anthropic_version"
    __table_args__ = (UniqueConstraint("account_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    number: Mapped[int]
    value: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Database(Base):
    """What only a database has; the second half is what the cluster gave it."""

    __tablename__ = "database"
    __table_args__ = (UniqueConstraint("k8s_namespace", "k8s_name"),)

    id: Mapped[UUID] = mapped_column(ForeignKey("resource.id"), primary_key=True)
    account_id: Mapped[UUID]
    k8s_server: Mapped[str | None]
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
    released: Mapped[bool] = mapped_column(server_default=text("false"))
    volumes: Mapped[str | None]
    definitions: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))


class Environment(Base):
    """One variable of a project's sandboxes; every value is sealed."""

    __tablename__ = "environment"
    __table_args__ = (UniqueConstraint("project_id", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    project_id: Mapped[UUID] = mapped_column(ForeignKey("project.id"))
    key: Mapped[str]
    value: Mapped[bytes]
    category: Mapped[str]
    is_secret: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Credential(Base):
    """The cluster that an account brings: sealed model by the API, what was seen by the reconciler.

    asked, lane, due_at, the lease, `crashes` and `held_until` mean what they mean in `resource`;
    `generation` counts the kubeconfigs that were set, `observed_generation` is the one that was
    last looked at.
    """

    __tablename__ = "credential"
    __table_args__ = (
        one_of("state", CredentialState),
        Index("credential_due", "lane", "due_at"),
        CHURN,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), unique=True)
    model: Mapped[bytes]
    server: Mapped[str]
    k8s_namespace: Mapped[str]
    generation: Mapped[int] = mapped_column(server_default=text("1"))

    state: Mapped[str] = mapped_column(server_default=text("'CHECKING'"))
    reason: Mapped[str | None]
    message: Mapped[str | None]
    username: Mapped[str | None]
    missing: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    observed_generation: Mapped[int] = mapped_column(server_default=text("0"))
    checked_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))

    asked: Mapped[int] = mapped_column(BIGINT, server_default=text("1"))
    lane: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    locked_until: Mapped[datetime] = mapped_column(server_default=LONG_AGO)
    lease_token: Mapped[UUID | None]
    locked_by: Mapped[str | None]
    claims: Mapped[int] = mapped_column(BIGINT, server_default=text("0"))
    crashes: Mapped[int] = mapped_column(server_default=text("0"))
    held_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)
