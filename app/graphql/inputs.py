"""What operations take: inputs, in which a field left out is UNSET and null is None."""

from __future__ import annotations

import strawberry

from app.db.project_pages import ProjectOrderField
from app.domain.aggregate import ProjectStatus
from app.domain.pages import Direction
from app.graphql.hiding import hiding


@hiding("password")
@strawberry.input(description="A new user.")
class SignUpInput:
    """A new user."""

    login: str = strawberry.field(description="3 to 32 characters of a-z, 0-9 and -, unique.")
    password: str = strawberry.field(description="10 to 128 characters.")


@hiding("password")
@strawberry.input(description="A user's name and password.")
class SignInInput:
    """A user's name and password."""

    login: str = strawberry.field(description="The name chosen at sign-up.")
    password: str = strawberry.field(description="The password.")


@hiding("refresh_token")
@strawberry.input(description="Which session to renew.")
class RefreshSessionInput:
    """Which session to renew."""

    refresh_token: str = strawberry.field(description="The newest refresh token of the session.")


@hiding("kubeconfig")
@strawberry.input(description="A cluster of one's own.")
class KubeconfigInput:
    """A cluster of one's own."""

    kubeconfig: str = strawberry.field(
        description=(
            "The file, YAML or JSON, at most 256 KiB: https server, inline CA, and a token or an"
            " inline client certificate; nothing else. `kubectl config view --minify --flatten"
            " --raw` prints it. Each refused field is named in the errors' messages."
        )
    )


@strawberry.input(
    description=("A new sandbox; what is left out gets the default of this installation.")
)
class SandboxInput:
    """A new sandbox; what is left out gets the default of this installation."""

    name: str = strawberry.field(
        description=("1 to 63 characters, unique among the sandboxes of the project.")
    )
    image: str | None = strawberry.field(
        default=strawberry.UNSET, description="The container image."
    )
    cpu: str | None = strawberry.field(
        default=strawberry.UNSET, description="Processor, a Kubernetes quantity: 500m, 2."
    )
    memory: str | None = strawberry.field(
        default=strawberry.UNSET, description="Memory, a Kubernetes quantity: 512Mi, 4Gi."
    )
    storage: str | None = strawberry.field(
        default=strawberry.UNSET, description="Disk, a Kubernetes quantity: 10Gi."
    )


@strawberry.input(description="What to change of a sandbox; what is left out stays.")
class UpdateSandboxInput:
    """What to change of a sandbox; what is left out stays."""

    image: str | None = strawberry.field(
        default=strawberry.UNSET, description="The container image; not null."
    )
    cpu: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Processor, a Kubernetes quantity: 500m, 2; not null.",
    )
    memory: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Memory, a Kubernetes quantity: 512Mi, 4Gi; not null.",
    )
    storage: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Disk, a Kubernetes quantity: 10Gi; no smaller than it is; not null.",
    )


@strawberry.input(description="A port of a sandbox.")
class PortInput:
    """A port of a sandbox."""

    port: int = strawberry.field(
        description="1024 to 65535, and neither 3000 nor 7681, which are always open."
    )


@strawberry.input(
    description=("A new database; what is left out gets the default of this installation.")
)
class DatabaseInput:
    """A new database; what is left out gets the default of this installation."""

    name: str = strawberry.field(
        description=("1 to 63 characters, unique among the databases of the project.")
    )
    version: str | None = strawberry.field(
        default=strawberry.UNSET, description="The PostgreSQL version."
    )
    replicas: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many copies, 1 to 5."
    )
    cpu: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Processor per replica, a Kubernetes quantity: 500m, 2.",
    )
    memory: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Memory per replica, a Kubernetes quantity: 512Mi, 4Gi.",
    )
    storage: str | None = strawberry.field(
        default=strawberry.UNSET, description="Disk per replica, a Kubernetes quantity: 10Gi."
    )


@strawberry.input(description="What to change of a database; what is left out stays.")
class UpdateDatabaseInput:
    """What to change of a database; what is left out stays."""

    version: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The PostgreSQL version: of the same major version, and none before the present one;"
            " not null."
        ),
    )
    replicas: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many copies, 1 to 5; not null."
    )
    cpu: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Processor per replica, a Kubernetes quantity: 500m, 2; not null.",
    )
    memory: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Memory per replica, a Kubernetes quantity: 512Mi, 4Gi; not null.",
    )
    storage: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Disk per replica, a Kubernetes quantity: 10Gi; no smaller than it is; not null."
        ),
    )


@strawberry.input(description="A new project.")
class CreateProjectInput:
    """A new project."""

    name: str = strawberry.field(
        description="1 to 100 characters of any script; need not be unique."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="At most 1,000 characters."
    )
    github_repo: str | None = strawberry.field(
        default=strawberry.UNSET, description="The repository it belongs to, as owner/name."
    )
    sandboxes: list[SandboxInput] | None = strawberry.field(
        default=strawberry.UNSET, description="At most 20; left out: one with defaults, named app."
    )
    databases: list[DatabaseInput] | None = strawberry.field(
        default=strawberry.UNSET, description="At most 20; left out: one with defaults, named db."
    )


@strawberry.input(description="What to change; what is left out stays.")
class UpdateProjectInput:
    """What to change; what is left out stays."""

    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 100 characters of any script; not null."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="At most 1,000 characters; null clears it."
    )
    github_repo: str | None = strawberry.field(
        default=strawberry.UNSET, description="As owner/name; null clears it."
    )


@strawberry.input(description="Which projects; all conditions hold.")
class ProjectFilter:
    """Which projects; all conditions hold."""

    statuses: list[ProjectStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In any of these."
    )
    search: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="In the name or the description, without regard to case.",
    )


@strawberry.input(description="How to order projects.")
class ProjectOrder:
    """How to order projects."""

    field: ProjectOrderField = strawberry.field(description="By what.")
    direction: Direction = strawberry.field(description="Which way.")
