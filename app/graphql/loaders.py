"""Batched reads of one operation: one statement for all objects of a level, whatever their number.

Nothing is cached: a loader would show a state that has moved on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from app.db import causes, environment, feed, history, projects
from app.db.causes import Cause
from app.db.databases import DATABASES
from app.db.details import Details
from app.db.feed import Change as ChangeRow
from app.db.resources import ResourceRow
from app.db.sandboxes import SANDBOXES
from app.domain import aggregate, ids, limits
from app.domain.errors import TooComplex
from app.domain.ids import NodeType
from app.domain.pages import Page, Window
from app.domain.viewer import Viewer
from app.graphql import build, connections, people
from app.graphql.connections import ChangeConnection
from app.graphql.context import State
from app.graphql.environment import Variable, variable
from app.graphql.nodes import Change, Database, Explanation, Node, Project, Sandbox

Row = TypeVar("Row", bound=ResourceRow)
T = TypeVar("T")


class _Kind(Generic[Row, T]):
    """The loaders of one kind of resource: by id, and by project."""

    def __init__(
        self, state: State, viewer: Viewer, details: Details[Row, Any], build: Callable[[Row], T]
    ) -> None:
        self._state = state
        self._viewer = viewer
        self._details = details
        self._build = build
        self.one: DataLoader[UUID, T | None] = DataLoader(self._load, cache=False)
        self.of_project: DataLoader[UUID, list[T]] = DataLoader(self._load_members, cache=False)

    async def _load(self, keys: list[UUID]) -> list[T | None]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await self._details.by_ids(connection, self._viewer, keys)
        found = {row.id: self._build(row) for row in rows}
        return [found.get(key) for key in keys]

    async def _load_members(self, keys: list[UUID]) -> list[list[T]]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await self._details.of_projects(connection, self._viewer, keys)
        found: defaultdict[UUID, list[T]] = defaultdict(list)
        for row in rows:
            found[row.project_id].append(self._build(row))
        return [found[key] for key in keys]


class Loaders:
    """The loaders of one operation, all through its viewer."""

    def __init__(self, state: State, viewer: Viewer) -> None:
        self._state = state
        self._viewer = viewer
        self._projects: DataLoader[UUID, Project | None] = DataLoader(
            self._load_projects, cache=False
        )
        self._sandboxes = _Kind(state, viewer, SANDBOXES, build.sandbox)
        self._databases = _Kind(state, viewer, DATABASES, build.database)
        self._by_key: dict[NodeType, DataLoader[UUID, Any]] = {
            NodeType.USER: people.loader(state, viewer),
            NodeType.PROJECT: self._projects,
            NodeType.SANDBOX: self._sandboxes.one,
            NodeType.DATABASE: self._databases.one,
            NodeType.VARIABLE: DataLoader(self._load_variables, cache=False),
        }
        self._environments: DataLoader[UUID, list[Variable]] = DataLoader(
            self._load_environments, cache=False
        )

        self._causes: DataLoader[UUID, list[Cause]] = DataLoader(self._load_causes, cache=False)
        self._histories: DataLoader[tuple[UUID, Window], Page[ChangeRow]] = DataLoader(
            self._load_histories, cache=False
        )
        self._changes: DataLoader[tuple[UUID, int], Change | None] = DataLoader(
            self._load_changes, cache=False
        )

    async def node(self, global_id: str) -> Node | None:
        """Anything by its global id; None when there is no such thing for this viewer."""
        found = ids.decode(global_id)
        if found is None:
            return None
        kind, key, seq = found
        if kind == NodeType.CHANGE:
            return await self._changes.load((key, seq)) if seq is not None else None
        if kind == NodeType.USER and key != self._viewer.user_id:
            return None
        loader = self._by_key.get(kind)
        node: Node | None = await loader.load(key) if loader else None
        return node

    async def project_of(self, sandbox: Any) -> Project:
        """The project of a resource."""
        found = await self._projects.load(sandbox.project_key)
        if found is None:
            raise LookupError("a resource without a project")
        return found

    async def sandboxes_of(self, project: Project) -> list[Sandbox]:
        """The sandboxes of a project."""
        if project.members is not None:
            return [build.sandbox(row) for row in project.members.sandboxes]
        return await self._sandboxes.of_project.load(project.row.id)

    async def databases_of(self, project: Project) -> list[Database]:
        """The databases of a project."""
        if project.members is not None:
            return [build.database(row) for row in project.members.databases]
        return await self._databases.of_project.load(project.row.id)

    async def environment_of(self, project: Project) -> list[Variable]:
        """The variables of a project."""
        return await self._environments.load(project.row.id)

    async def why_of(self, project: Project) -> Explanation | None:
        """What explains the status of a project."""
        if project.members is not None:
            member = aggregate.decisive(project.status, project.members.all)
            return build.explanation(member) if member else None
        told = await self._causes.load(project.row.id)
        cause = aggregate.decisive(project.status, told)
        return build.explanation(cause) if cause else None

    async def history_of(self, project: Project, **arguments: Any) -> ChangeConnection:
        """A page of the history of a project; `arguments` are those of a connection."""
        scope = history.scope(project.row.id)
        window = connections.asked(**arguments).window(scope, int)
        page = await self._histories.load((project.row.id, window))
        return connections.of_changes(page, scope)

    async def subject_of(self, change: Change) -> Node | None:
        """What a change is about, if it is there still."""
        if change.project is None:
            return await self.node(change.subject_id)
        if change.subject_id == change.project.id:
            return change.project
        sandboxes = await self.sandboxes_of(change.project)
        databases = await self.databases_of(change.project)
        members = (*sandboxes, *databases)
        return next((member for member in members if member.id == change.subject_id), None)

    async def projects_by(self, keys: list[UUID]) -> list[Project]:
        """Those of `keys` that there are for this viewer."""
        found = await self._projects.load_many(keys)
        return [project for project in found if project is not None]

    async def _load_projects(self, keys: list[UUID]) -> list[Project | None]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await projects.by_ids(connection, self._viewer, keys)
        found = {row.id: build.project(row) for row in rows}
        return [found.get(key) for key in keys]

    async def _load_variables(self, keys: list[UUID]) -> list[Variable | None]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await environment.by_ids(connection, self._viewer, keys)
        found = {row.id: variable(row, self._state.makers.keys) for row in rows}
        return [found.get(key) for key in keys]

    async def _load_environments(self, keys: list[UUID]) -> list[list[Variable]]:
        async with self._state.database.read(self._viewer) as connection:
            if len(keys) > 1:
                size = await environment.shown_bytes(connection, self._viewer, keys)
                if size > limits.SHOWN_BYTES:
                    raise TooComplex("values", limits.SHOWN_BYTES)
            rows = await environment.of_projects(connection, self._viewer, keys)
        found: defaultdict[UUID, list[Variable]] = defaultdict(list)
        for row in rows:
            found[row.project_id].append(variable(row, self._state.makers.keys))
        return [found[key] for key in keys]

    async def _load_changes(self, keys: list[tuple[UUID, int]]) -> list[Change | None]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await feed.by_keys(connection, self._viewer, keys)
        found = {(row.account_id, row.seq): build.change(row) for row in rows}
        return [found.get(key) for key in keys]

    async def _load_causes(self, keys: list[UUID]) -> list[list[Cause]]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await causes.of_projects(connection, self._viewer, keys)
        return [[row for row in rows if row.project_id == key] for key in keys]

    async def _load_histories(self, keys: list[tuple[UUID, Window]]) -> list[Page[ChangeRow]]:
        found: dict[tuple[UUID, Window], Page[ChangeRow]] = {}
        async with self._state.database.read(self._viewer) as connection:
            for window in {window for _, window in keys}:
                own = {project for project, its in keys if its == window}
                pages = await history.pages(connection, self._viewer, own, window)
                found |= {(project, window): page for project, page in pages.items()}
        return [found[key] for key in keys]
