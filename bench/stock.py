"""A stock Strawberry server on our tables, written as its documentation shows.

`strawberry.asgi.GraphQL`, types with their fields, SQLAlchemy's ORM with one session for each
request opened by a schema extension (guide "Schema extensions"), children through a DataLoader in
the context (guide "DataLoaders"), no other extensions. Well-behaved: three statements for a list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import SchemaExtension

from app.auth.tokens import Tokens
from app.db import models
from app.domain import ids
from app.domain.ids import NodeType
from app.settings import Settings

Info = strawberry.Info[dict[str, Any], None]


@strawberry.type
class Sandbox:
    """A sandbox."""

    id: strawberry.ID
    name: str
    status: str
    desired_state: str
    generation: int
    observed_generation: int
    k8s_namespace: str
    k8s_name: str
    public_url: str | None
    ttyd_url: str | None
    image: str
    cpu: str
    memory: str
    storage: str
    created_at: datetime
    updated_at: datetime


@strawberry.type
class Project:
    """A project."""

    key: strawberry.Private[UUID]
    id: strawberry.ID
    name: str
    description: str | None
    github_repo: str | None
    status: str
    generation: int
    created_at: datetime
    updated_at: datetime

    @strawberry.field
    async def sandboxes(self, info: Info) -> list[Sandbox]:
        """Its sandboxes."""
        children: list[Sandbox] = await info.context["sandboxes"].load(self.key)
        return children


@strawberry.type
class Page:
    """A page of projects."""

    nodes: list[Project]


@strawberry.type
class Query:
    """The two reads."""

    @strawberry.field
    async def projects(self, info: Info, first: int) -> Page:
        """The newest projects."""
        found = select(models.Project).where(models.Project.account_id.in_(await _accounts(info)))
        newest = found.order_by(models.Project.id.desc()).limit(first)
        rows = await info.context["session"].scalars(newest)
        return Page(nodes=[_project(row) for row in rows])

    @strawberry.field
    async def project(self, info: Info, id: strawberry.ID) -> Project | None:  # noqa: A002
        """One project."""
        key = ids.decode(id)
        found = select(models.Project).where(
            models.Project.account_id.in_(await _accounts(info)),
            models.Project.id == (key[1] if key else None),
        )
        row = await info.context["session"].scalar(found)
        return _project(row) if row else None


class SessionPerRequest(SchemaExtension):
    """Opens the session of an operation and closes it afterwards."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Around the operation."""
        context: dict[str, Any] = self.execution_context.context
        async with context["sessions"]() as session:
            context["session"] = session
            yield


class Endpoint(GraphQL[dict[str, Any], None]):
    """Strawberry's ASGI view with our context."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(strawberry.Schema(Query, extensions=[SessionPerRequest]))
        url = make_url(settings.postgres()[0]).set(drivername="postgresql+asyncpg")
        engine = create_async_engine(url, pool_size=settings.database_pool)
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._tokens = Tokens(settings.token_keys.get_secret_value())

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> dict[str, Any]:
        """What the resolvers need."""
        token = request.headers["authorization"].removeprefix("Bearer ")
        context: dict[str, Any] = {
            "request": request,
            "response": response,
            "sessions": self._sessions,
            "user_id": self._tokens.read_access(token).user_id,
        }

        async def load(keys: list[UUID]) -> list[list[Sandbox]]:
            return await _children(context["session"], keys)

        context["sandboxes"] = DataLoader(load)
        return context


def create_app(settings: Settings) -> Starlette:
    """POST /graphql."""
    return Starlette(routes=[Route("/graphql", Endpoint(settings), methods=["POST"])])


async def _accounts(info: Info) -> list[UUID]:
    member = select(models.Membership).where(models.Membership.user_id == info.context["user_id"])
    return [row.account_id for row in await info.context["session"].scalars(member)]


async def _children(session: AsyncSession, keys: list[UUID]) -> list[list[Sandbox]]:
    both = select(models.Resource, models.Sandbox).join(
        models.Sandbox, models.Sandbox.id == models.Resource.id
    )
    of_keys = both.where(models.Resource.project_id.in_(keys)).order_by(models.Resource.id)
    found: defaultdict[UUID, list[Sandbox]] = defaultdict(list)
    for resource, details in await session.execute(of_keys):
        found[resource.project_id].append(_sandbox(resource, details))
    return [found[key] for key in keys]


def _project(row: models.Project) -> Project:
    return Project(
        key=row.id,
        id=strawberry.ID(ids.encode(NodeType.PROJECT, row.id)),
        name=row.name,
        description=row.description,
        github_repo=row.github_repo,
        status=row.status,
        generation=row.generation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _sandbox(row: models.Resource, details: models.Sandbox) -> Sandbox:
    return Sandbox(
        id=strawberry.ID(ids.encode(NodeType.SANDBOX, row.id)),
        name=row.name,
        status=row.status,
        desired_state=row.desired_state,
        generation=row.generation,
        observed_generation=row.observed_generation,
        k8s_namespace=details.k8s_namespace,
        k8s_name=details.k8s_name,
        public_url=details.public_url,
        ttyd_url=details.ttyd_url,
        image=details.image,
        cpu=details.cpu,
        memory=details.memory,
        storage=details.storage,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
