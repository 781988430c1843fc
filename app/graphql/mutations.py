"""Everything that can be changed: each calls one verb in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import orjson
import strawberry

from app.auth import passwords
from app.db.accounts import UserRow
from app.db.databases import DATABASES
from app.db.details import Details
from app.db.idempotency import Key
from app.db.projects import ProjectRow
from app.db.resources import ResourceRow
from app.db.sandboxes import SANDBOXES
from app.db.session import Session
from app.domain import ids, limits
from app.domain.errors import (
    BadCredentials,
    BadRequest,
    InvalidInput,
    NotFound,
)
from app.domain.ids import NodeType
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.graphql import build
from app.graphql.inputs import (
    CreateProjectInput,
    DatabaseInput,
    SandboxInput,
    SignInInput,
    SignUpInput,
    UpdateProjectInput,
)
from app.graphql.nodes import Database, Info, Project, Sandbox
from app.graphql.payloads import (
    CreateDatabasePayload,
    CreateProjectPayload,
    CreateSandboxPayload,
    Credentials,
    DeleteDatabasePayload,
    DeleteProjectPayload,
    DeleteSandboxPayload,
    InputError,
    RetryDatabasePayload,
    RetryProjectPayload,
    RetrySandboxPayload,
    SignInPayload,
    SignUpPayload,
    StartDatabasePayload,
    StartProjectPayload,
    StartSandboxPayload,
    StopDatabasePayload,
    StopProjectPayload,
    StopSandboxPayload,
    UpdateProjectPayload,
)
from app.graphql.selection import selects
from app.services import projects, resources, users
from app.services.databases import NewDatabase
from app.services.projects import NewProject
from app.services.resources import Maker, Named
from app.services.sandboxes import NewSandbox

T = TypeVar("T")
G = TypeVar("G")
N = TypeVar("N")
Row = TypeVar("Row", bound=ResourceRow)
New = TypeVar("New", bound=Named)

# A verb on a resource: session, viewer, the statements of its kind, and its key.
Verb = Callable[..., Awaitable[Any]]

_start_project = partial(projects.want, desired=DesiredState.RUNNING)
_stop_project = partial(projects.want, desired=DesiredState.STOPPED)
_delete_project = partial(projects.want, desired=DesiredState.DELETED)
_start = partial(resources.want, desired=DesiredState.RUNNING)
_stop = partial(resources.want, desired=DesiredState.STOPPED)
_delete = partial(resources.want, desired=DesiredState.DELETED)


@strawberry.type(
    description=(
        "Everything that can be changed. Start, stop, delete and retry write down "
        "what is wanted and answer at once; they are accepted in any state, and "
        "repeating one changes nothing. Once DELETED is wanted only delete and "
        "retry are accepted (DELETION_REQUESTED)."
    )
)
class Mutation:
    """Everything that can be changed."""

    @strawberry.mutation(description="Make a user and sign in.")
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload | None:
        """Make a user and sign in."""
        try:
            users.check_sign_up(input.login, input.password)
            secret = await passwords.hashed(input.password)
            made = await info.context.state.database.transact(
                None, lambda session: users.sign_up(session, input.login, secret)
            )
        except InvalidInput as wrong:
            return SignUpPayload(credentials=None, errors=_as_data(info, wrong))
        return SignUpPayload(credentials=_credentials(info, made), errors=[])

    @strawberry.mutation(
        description="Sign in with a password; BAD_CREDENTIALS whichever of the two is wrong."
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload | None:
        """Sign in with a password."""
        async with info.context.state.database.read() as connection:
            user, secret = await users.sign_in(connection, input.login)
        if not await passwords.matches(secret, input.password) or user is None:
            raise BadCredentials
        return SignInPayload(credentials=_credentials(info, user))

    @strawberry.mutation(
        description="Make a project with its sandboxes and databases, and start them."
    )
    async def create_project(
        self,
        info: Info,
        input: CreateProjectInput,
        idempotency_key: str | None = strawberry.UNSET,
    ) -> CreateProjectPayload | None:
        """Make a project; with a key once in 24 hours."""
        viewer, state = info.context.viewer, info.context.state
        new = NewProject(
            name=input.name,
            description=input.description or None,
            github_repo=_given(input.github_repo),
            sandboxes=_each(_new_sandbox, input.sandboxes),
            databases=_each(_new_database, input.databases),
        )
        key = _idempotency(viewer.user_id, "createProject", idempotency_key, repr(new))
        try:
            row = await state.database.transact(
                viewer.actor,
                lambda session: _once(
                    session,
                    key,
                    ProjectRow,
                    lambda: projects.create(session, viewer, state.makers, new),
                ),
            )
        except InvalidInput as wrong:
            return CreateProjectPayload(project=None, errors=_as_data(info, wrong))
        return CreateProjectPayload(project=build.project(row), errors=[])

    @strawberry.mutation(
        description="Change what is known about a project; touches nothing that runs."
    )
    async def update_project(
        self,
        info: Info,
        id: strawberry.ID,
        input: UpdateProjectInput,
    ) -> UpdateProjectPayload | None:
        """Change what is known about a project."""
        given = {
            name: value
            for name, value in (
                ("name", input.name),
                ("description", input.description),
                ("github_repo", input.github_repo),
            )
            if value is not strawberry.UNSET
        }
        viewer, key = info.context.viewer, _key(id, NodeType.PROJECT)
        try:
            row = await info.context.state.database.transact(
                viewer.actor, lambda session: projects.update(session, viewer, key, given)
            )
        except InvalidInput as wrong:
            return UpdateProjectPayload(project=None, errors=_as_data(info, wrong))
        return UpdateProjectPayload(project=build.project(row), errors=[])

    @strawberry.mutation(description="Add a sandbox to a project and start it.")
    async def create_sandbox(
        self,
        info: Info,
        project_id: strawberry.ID,
        input: SandboxInput,
        idempotency_key: str | None = strawberry.UNSET,
    ) -> CreateSandboxPayload | None:
        """Add a sandbox; with a key once in 24 hours."""
        maker, new = info.context.state.makers.sandboxes, _new_sandbox(input)
        try:
            row = await _create(info, maker, project_id, new, idempotency_key)
        except InvalidInput as wrong:
            return CreateSandboxPayload(sandbox=None, errors=_as_data(info, wrong))
        return CreateSandboxPayload(sandbox=build.sandbox(row), errors=[])

    @strawberry.mutation(description="Add a database to a project and start it.")
    async def create_database(
        self,
        info: Info,
        project_id: strawberry.ID,
        input: DatabaseInput,
        idempotency_key: str | None = strawberry.UNSET,
    ) -> CreateDatabasePayload | None:
        """Add a database; with a key once in 24 hours."""
        maker, new = info.context.state.makers.databases, _new_database(input)
        try:
            row = await _create(info, maker, project_id, new, idempotency_key)
        except InvalidInput as wrong:
            return CreateDatabasePayload(database=None, errors=_as_data(info, wrong))
        return CreateDatabasePayload(database=build.database(row), errors=[])

    @strawberry.mutation(description="Want every resource of the project RUNNING.")
    async def start_project(self, info: Info, id: strawberry.ID) -> StartProjectPayload | None:
        """Want every resource of the project RUNNING."""
        return StartProjectPayload(project=await _on_project(info, id, _start_project))

    @strawberry.mutation(description="Want every resource of the project STOPPED; data is kept.")
    async def stop_project(self, info: Info, id: strawberry.ID) -> StopProjectPayload | None:
        """Want every resource of the project STOPPED; data is kept."""
        return StopProjectPayload(project=await _on_project(info, id, _stop_project))

    @strawberry.mutation(
        description="Want the project and all its data gone; cannot be taken back."
    )
    async def delete_project(self, info: Info, id: strawberry.ID) -> DeleteProjectPayload | None:
        """Want the project and all its data gone; cannot be taken back."""
        return DeleteProjectPayload(project=await _on_project(info, id, _delete_project))

    @strawberry.mutation(
        description=(
            "Look again now at everything in the project that failed, was given up or waits."
        )
    )
    async def retry_project(self, info: Info, id: strawberry.ID) -> RetryProjectPayload | None:
        """Look again now at everything in the project that failed, was given up or waits."""
        return RetryProjectPayload(project=await _on_project(info, id, projects.retry))

    @strawberry.mutation(description="Want it RUNNING.")
    async def start_sandbox(self, info: Info, id: strawberry.ID) -> StartSandboxPayload | None:
        """Want it RUNNING."""
        return StartSandboxPayload(sandbox=await _on_sandbox(info, id, _start))

    @strawberry.mutation(description="Want it STOPPED; its disk is kept.")
    async def stop_sandbox(self, info: Info, id: strawberry.ID) -> StopSandboxPayload | None:
        """Want it STOPPED; its disk is kept."""
        return StopSandboxPayload(sandbox=await _on_sandbox(info, id, _stop))

    @strawberry.mutation(description="Want it and its disk gone; cannot be taken back.")
    async def delete_sandbox(self, info: Info, id: strawberry.ID) -> DeleteSandboxPayload | None:
        """Want it and its disk gone; cannot be taken back."""
        return DeleteSandboxPayload(sandbox=await _on_sandbox(info, id, _delete))

    @strawberry.mutation(description="Look again now, if it failed, was given up or waits.")
    async def retry_sandbox(self, info: Info, id: strawberry.ID) -> RetrySandboxPayload | None:
        """Look again now, if it failed, was given up or waits."""
        return RetrySandboxPayload(sandbox=await _on_sandbox(info, id, resources.retry))

    @strawberry.mutation(description="Want it RUNNING.")
    async def start_database(self, info: Info, id: strawberry.ID) -> StartDatabasePayload | None:
        """Want it RUNNING."""
        return StartDatabasePayload(database=await _on_database(info, id, _start))

    @strawberry.mutation(description="Want it STOPPED; its data is kept.")
    async def stop_database(self, info: Info, id: strawberry.ID) -> StopDatabasePayload | None:
        """Want it STOPPED; its data is kept."""
        return StopDatabasePayload(database=await _on_database(info, id, _stop))

    @strawberry.mutation(description="Want it and its data gone; cannot be taken back.")
    async def delete_database(self, info: Info, id: strawberry.ID) -> DeleteDatabasePayload | None:
        """Want it and its data gone; cannot be taken back."""
        return DeleteDatabasePayload(database=await _on_database(info, id, _delete))

    @strawberry.mutation(description="Look again now, if it failed, was given up or waits.")
    async def retry_database(self, info: Info, id: strawberry.ID) -> RetryDatabasePayload | None:
        """Look again now, if it failed, was given up or waits."""
        return RetryDatabasePayload(database=await _on_database(info, id, resources.retry))


async def _on_project(
    info: Info, global_id: str, verb: Callable[[Session, Viewer, UUID], Awaitable[ProjectRow]]
) -> Project:
    viewer, key = info.context.viewer, _key(global_id, NodeType.PROJECT)
    row = await info.context.state.database.transact(
        viewer.actor, lambda session: verb(session, viewer, key)
    )
    return build.project(row)


async def _on_sandbox(info: Info, global_id: str, verb: Verb) -> Sandbox:
    return build.sandbox(await _on_resource(info, global_id, SANDBOXES, NodeType.SANDBOX, verb))


async def _on_database(info: Info, global_id: str, verb: Verb) -> Database:
    return build.database(await _on_resource(info, global_id, DATABASES, NodeType.DATABASE, verb))


async def _on_resource(
    info: Info, global_id: str, details: Details[Row, Any], kind: NodeType, verb: Verb
) -> Row:
    viewer, key = info.context.viewer, _key(global_id, kind)
    row: Row = await info.context.state.database.transact(
        viewer.actor, lambda session: verb(session, viewer, details, key)
    )
    return row


async def _create(
    info: Info, maker: Maker[New, Row, Any], project_id: str, new: New, given_key: str | None
) -> Row:
    """Add a resource to a project, with a key once in 24 hours."""
    viewer, details = info.context.viewer, maker.details
    owner = _key(project_id, NodeType.PROJECT, "projectId")
    mutation = f"create{details.kind.capitalize()}"
    key = _idempotency(viewer.user_id, mutation, given_key, f"{owner} {new!r}")
    return await info.context.state.database.transact(
        viewer.actor,
        lambda session: _once(
            session,
            key,
            details.row,
            lambda: resources.create(session, viewer, maker, owner, new),
        ),
    )


async def _once(
    session: Session, key: Key | None, kind: type[T], create: Callable[[], Awaitable[T]]
) -> T:
    """The first answer to this key, or that of `create`, which is remembered."""
    first = await key.begin(session, kind) if key else None
    if first is not None:
        return first
    row = await create()
    if key:
        await key.finish(session, row)
    return row


def _key(global_id: str, kind: NodeType, field: str = "id") -> UUID:
    found = ids.decode(global_id)
    if found is None or found[0] != kind:
        raise NotFound(field=[field])
    return found[1]


def _each(make: Callable[[G], N], given: list[G] | None) -> tuple[N, ...] | None:
    if given is None or given is strawberry.UNSET:
        return None
    return tuple(make(one) for one in given)


def _given(value: T | None) -> T | None:
    return None if value is strawberry.UNSET else value


def _new_sandbox(given: SandboxInput) -> NewSandbox:
    return NewSandbox(
        given.name,
        _given(given.image),
        _given(given.cpu),
        _given(given.memory),
        _given(given.storage),
    )


def _new_database(given: DatabaseInput) -> NewDatabase:
    return NewDatabase(
        given.name,
        _given(given.version),
        _given(given.replicas),
        _given(given.cpu),
        _given(given.memory),
        _given(given.storage),
    )


def _idempotency(user_id: UUID, mutation: str, key: str | None, request: str) -> Key | None:
    if key is None or key is strawberry.UNSET:
        return None
    least, most = limits.IDEMPOTENCY_KEY
    if not least <= len(key) <= most or not key.isprintable():
        raise BadRequest(f"{least} to {most} printable characters.", ("idempotencyKey",))
    return Key(user_id, mutation, key, hashlib.sha256(orjson.dumps(request)).digest())


def _credentials(info: Info, user: UserRow) -> Credentials:
    token, expires_at = info.context.state.tokens.issue(user.id)
    return Credentials(access_token=token, expires_at=expires_at, user=build.user(user))


def _as_data(info: Info, wrong: InvalidInput) -> list[InputError]:
    """The problems as data where `errors` is selected; else the error goes on, not in silence."""
    if not selects(info, "errors"):
        raise wrong
    return [InputError(code=p.code, field=list(p.field), message=p.message) for p in wrong.problems]
