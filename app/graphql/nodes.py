"""Everything with a global id, and what hangs on it: the types that clients hold.

Objects are built whole from a row; only what needs another row has a resolver, which goes through
a batched loader, so that the number of statements does not grow with the number of objects. An
object that came with an event carries its relatives, since each subscriber would load the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.db.feed import Change as ChangeRow
from app.db.members import Members
from app.db.projects import ProjectRow
from app.domain.aggregate import ProjectStatus
from app.domain.reasons import Turn
from app.domain.settings import Category
from app.domain.states import DesiredState, ResourceStatus
from app.domain.viewer import ActorKind
from app.graphql import enums  # noqa: F401 - gives the domain's enums their descriptions
from app.graphql.context import Context

if TYPE_CHECKING:
    from app.graphql.apitokens import ApiToken
    from app.graphql.connections import ChangeConnection
    from app.graphql.environment import Variable
    from app.graphql.identities import Identity
    from app.graphql.sessions import Session
    from app.graphql.settings import Setting

Info = strawberry.Info[Context, None]


@strawberry.interface(description="Anything with a global id.")
class Node:
    """Anything with a global id."""

    id: strawberry.ID = strawberry.field(
        description="Global and opaque; the same thing keeps it for ever."
    )


async def _api_tokens(
    root: strawberry.Parent[User], info: Info
) -> list[Annotated[ApiToken, strawberry.lazy("app.graphql.apitokens")]]:
    return await info.context.own.api_tokens_of(root)


async def _sessions(
    root: strawberry.Parent[User], info: Info
) -> list[Annotated[Session, strawberry.lazy("app.graphql.sessions")]]:
    return await info.context.own.sessions_of(root)


async def _settings(
    root: strawberry.Parent[User],
    info: Info,
    *,
    category: Category | None = strawberry.UNSET,
) -> list[Annotated[Setting, strawberry.lazy("app.graphql.settings")]]:
    return await info.context.own.settings_of(root, category or None)


async def _identities(
    root: strawberry.Parent[User], info: Info
) -> list[Annotated[Identity, strawberry.lazy("app.graphql.identities")]]:
    return await info.context.own.identities_of(root)


@strawberry.type(description="Someone who can sign in.")
class User(Node):
    """Someone who can sign in."""

    login: str = strawberry.field(description="The name to sign in with, unique.")
    created_at: datetime = strawberry.field(description="When the user signed up.")
    identities: list[Annotated[Identity, strawberry.lazy("app.graphql.identities")]] = (
        strawberry.field(
            resolver=_identities,
            description=(
                "Ways to sign in, oldest first, at most 20; of other users than `me` none is shown."
            ),
        )
    )
    api_tokens: list[Annotated[ApiToken, strawberry.lazy("app.graphql.apitokens")]] = (
        strawberry.field(
            resolver=_api_tokens,
            description=(
                "API tokens, newest first, at most 100; of other users than `me` none is shown."
            ),
        )
    )
    sessions: list[Annotated[Session, strawberry.lazy("app.graphql.sessions")]] = strawberry.field(
        resolver=_sessions,
        description=(
            "Where the viewer is signed in, newest first, at most 100; empty for another user."
        ),
    )
    settings: list[Annotated[Setting, strawberry.lazy("app.graphql.settings")]] = strawberry.field(
        resolver=_settings,
        description=(
            "What the user configured, of one category or all, by key, at most 101; secret values"
            " are masked; of other users than `me` none is shown."
        ),
    )


@strawberry.type(
    description=(
        "The one root cause: whose it is, the object, the cluster's own words, "
        "and what happens next."
    )
)
class Explanation:
    """The one root cause."""

    resource_id: strawberry.ID = strawberry.field(
        description="The sandbox or database that it is about."
    )
    resource_name: str = strawberry.field(description="The name of that resource.")
    reason: str = strawberry.field(
        description=(
            "A CamelCase reason out of a published table: ImagePullFailed, "
            "QuotaExceeded, Unschedulable…"
        )
    )
    message: str = strawberry.field(
        description=("What went wrong, in the cluster's own words where there are any.")
    )
    object: str | None = strawberry.field(
        description=("The object that blocks, as Kind/name; null when there is no single one.")
    )
    turn: Turn | None = strawberry.field(
        description="Who can do something about it; null of a reason that is newer than this API."
    )
    remedy: str | None = strawberry.field(
        description="What they can do, out of the same table; null where `turn` is."
    )
    since: datetime = strawberry.field(description="When it began.")
    attempts: int = strawberry.field(description="How often it was tried since then.")
    next_attempt_at: datetime | None = strawberry.field(
        description=("When it is tried next; null when only a change or a retry will do.")
    )


async def _sandboxes(root: strawberry.Parent[Project], info: Info) -> list[Sandbox]:
    return await info.context.loaders.sandboxes_of(root)


async def _databases(root: strawberry.Parent[Project], info: Info) -> list[Database]:
    return await info.context.loaders.databases_of(root)


async def _why(root: strawberry.Parent[Project], info: Info) -> Explanation | None:
    return await info.context.loaders.why_of(root)


async def _history(
    root: strawberry.Parent[Project],
    info: Info,
    *,
    first: int | None = strawberry.UNSET,
    after: str | None = strawberry.UNSET,
    last: int | None = strawberry.UNSET,
    before: str | None = strawberry.UNSET,
) -> Annotated[ChangeConnection, strawberry.lazy("app.graphql.connections")]:
    return await info.context.loaders.history_of(
        root, first=first, after=after, last=last, before=before
    )


async def _environment(
    root: strawberry.Parent[Project], info: Info
) -> list[Annotated[Variable, strawberry.lazy("app.graphql.environment")]]:
    return await info.context.loaders.environment_of(root)


async def _project(root: strawberry.Parent[Any], info: Info) -> Project:
    return await info.context.loaders.project_of(root)


async def _subject(root: strawberry.Parent[Change], info: Info) -> Node | None:
    return await info.context.loaders.subject_of(root)


async def _user(root: strawberry.Parent[Actor], info: Info) -> User | None:
    return await info.context.users.load(root.user_key) if root.user_key else None


@strawberry.type(description="What is declared, started, stopped and deleted as one.")
class Project(Node):
    """What is declared, started, stopped and deleted as one."""

    row: strawberry.Private[ProjectRow]
    members: strawberry.Private[Members | None]
    name: str = strawberry.field(
        description="1 to 100 characters of any script; need not be unique."
    )
    description: str | None = strawberry.field(
        description="In the user's words, at most 1,000 characters."
    )
    github_repo: str | None = strawberry.field(
        description="The repository it belongs to, as owner/name."
    )
    status: ProjectStatus = strawberry.field(description="Aggregated from its resources.")
    desired_state: DesiredState | None = strawberry.field(
        description=(
            "What is wanted of all its resources; null when they differ. DELETED: "
            "the project goes too."
        )
    )
    generation: int = strawberry.field(
        description=("Grows with each change of what is wanted in it, whichever resource is meant.")
    )
    observed_generation: int = strawberry.field(
        description=(
            "The generation that all its resources have been looked at for; "
            "smaller: status may still be about earlier wishes."
        )
    )
    converged: bool = strawberry.field(description="All its resources are as wanted.")
    why: Explanation | None = strawberry.field(
        resolver=_why,
        description="Why it is in this status: the root cause of the resource that decides it.",
    )
    sandboxes: list[Sandbox] = strawberry.field(resolver=_sandboxes, description="At most 20.")
    databases: list[Database] = strawberry.field(resolver=_databases, description="At most 20.")
    history: Annotated[ChangeConnection, strawberry.lazy("app.graphql.connections")] = (
        strawberry.field(
            resolver=_history, description="What was done and what happened, newest first."
        )
    )
    environment: list[Annotated[Variable, strawberry.lazy("app.graphql.environment")]] = (
        strawberry.field(
            resolver=_environment,
            description=(
                "What its sandboxes run with, by key; secret values are masked. At most 200; more"
                " than 4 MiB of values in one answer are TOO_COMPLEX."
            ),
        )
    )
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(
        description=(
            "When anything in it last changed visibly. Never goes back: of two "
            "answers the later is newer."
        )
    )


@strawberry.interface(
    description=(
        "What runs in the cluster for a project: what a sandbox and a database have in common."
    )
)
class Resource(Node):
    """What runs in the cluster for a project: what a sandbox and a database have in common."""

    project_key: strawberry.Private[Any]
    project: Project = strawberry.field(
        resolver=_project, description="The project that it belongs to."
    )
    name: str = strawberry.field(
        description="1 to 63 characters, unique among its kind in the project."
    )
    status: ResourceStatus = strawberry.field(description="What is to be seen of it now.")
    desired_state: DesiredState = strawberry.field(description="What the user wants of it.")
    generation: int = strawberry.field(description="Grows with each change of what is wanted.")
    observed_generation: int = strawberry.field(
        description=(
            "The generation that the cluster was last looked at for; smaller: "
            "status and why may still be about an earlier wish."
        )
    )
    converged: bool = strawberry.field(
        description=("The newest generation has been looked at, and it is as wanted.")
    )
    why: Explanation | None = strawberry.field(
        description="Why it is in this status, when that is not obvious."
    )
    k8s_namespace: str = strawberry.field(
        description="The namespace of its objects in the cluster."
    )
    k8s_name: str = strawberry.field(
        description=("The name of its main object in the cluster; relatives carry it as a prefix.")
    )
    cpu: str = strawberry.field(
        description="Processor per replica, a Kubernetes quantity: 500m, 2."
    )
    memory: str = strawberry.field(
        description="Memory per replica, a Kubernetes quantity: 512Mi, 4Gi."
    )
    storage: str = strawberry.field(description="Disk per replica, a Kubernetes quantity: 10Gi.")
    created_at: datetime = strawberry.field(description="When it was created.")
    updated_at: datetime = strawberry.field(description="When it last changed visibly.")


@strawberry.type(description="A port that a sandbox opens beside the app's and the terminal's.")
class ExposedPort:
    """A port that a sandbox opens beside the app's and the terminal's."""

    port: int = strawberry.field(description="Where a program in the sandbox listens.")
    url: str | None = strawberry.field(description="Its address; null while the sandbox has none.")


@strawberry.type(description=("A workspace with an app on port 3000 and a terminal on port 7681."))
class Sandbox(Resource):
    """A workspace with an app on port 3000 and a terminal on port 7681."""

    name: str = strawberry.field(
        description="1 to 63 characters, unique among the sandboxes of the project."
    )
    k8s_name: str = strawberry.field(
        description="The name of its StatefulSet; relatives carry it as a prefix."
    )
    cpu: str = strawberry.field(description="Processor, a Kubernetes quantity: 500m, 2.")
    memory: str = strawberry.field(description="Memory, a Kubernetes quantity: 512Mi, 4Gi.")
    storage: str = strawberry.field(description="Disk, a Kubernetes quantity: 10Gi.")
    public_url: str | None = strawberry.field(
        description=("The address of the app on port 3000; null while there is none.")
    )
    ttyd_url: str | None = strawberry.field(
        description=(
            "The address of the terminal on port 7681; holds no credential; null "
            "while there is none."
        )
    )
    ports: list[ExposedPort] = strawberry.field(
        description="Further ports that are to be reached, in order, at most 5."
    )
    image: str = strawberry.field(description="The container image.")


@strawberry.type(description="Where a database listens, seen from inside the cluster.")
class DatabaseEndpoint:
    """Where a database listens, seen from inside the cluster."""

    host: str = strawberry.field(description="Host name.")
    port: int = strawberry.field(description="TCP port.")
    database: str = strawberry.field(description="The name of the database on the server.")
    username: str = strawberry.field(description="The user to connect as.")


@strawberry.type(description="A PostgreSQL database.")
class Database(Resource):
    """A PostgreSQL database."""

    name: str = strawberry.field(
        description="1 to 63 characters, unique among the databases of the project."
    )
    k8s_name: str = strawberry.field(
        description="The name of its Cluster object; relatives carry it as a prefix."
    )
    endpoint: DatabaseEndpoint | None = strawberry.field(
        description=(
            "Where and as whom to connect; null until it has been up once. The password is asked"
            " for elsewhere."
        )
    )
    version: str | None = strawberry.field(
        description="The PostgreSQL version, such as 16.4; null until it is known."
    )
    replicas: int = strawberry.field(description="How many copies run while it is up.")


@strawberry.type(description="Who did something.")
class Actor:
    """Who did something."""

    user_key: strawberry.Private[Any]
    kind: ActorKind = strawberry.field(description="What kind of actor.")
    name: str = strawberry.field(
        description=(
            "The user's or the token's name at that time; of the system the part "
            "that acted, such as reconciler."
        )
    )
    user: User | None = strawberry.field(
        resolver=_user,
        description=(
            "The user, or the token's owner; null for the system and for users who are gone."
        ),
    )


@strawberry.type(description="One line of history.")
class Change(Node):
    """One line of history."""

    row: strawberry.Private[ChangeRow]
    project: strawberry.Private[Project | None]
    at: datetime = strawberry.field(description="When.")
    action: str = strawberry.field(
        description=(
            "What was done or what happened, out of a published table: "
            "project.stop, sandbox.status, database.gone…"
        )
    )
    subject: Node | None = strawberry.field(
        resolver=_subject, description="What it is about; null once that is gone."
    )
    subject_id: strawberry.ID = strawberry.field(description="Its id, also when it is gone.")
    subject_type: str = strawberry.field(
        description=("Its GraphQL type, also when it is gone: Project, Sandbox, Database…")
    )
    subject_name: str = strawberry.field(description="Its name at that time.")
    from_status: ProjectStatus | None = strawberry.field(
        description="The status before; of a resource never PARTIAL."
    )
    to_status: ProjectStatus | None = strawberry.field(
        description="The status after; of a resource never PARTIAL."
    )
    reason: str | None = strawberry.field(description="As in Explanation.")
    message: str | None = strawberry.field(description="As in Explanation.")
    actor: Actor = strawberry.field(description="Who did it.")
