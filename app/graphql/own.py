"""Batched reads of what is the viewer's own and in no project; all of it needs the scope ACCOUNT.

Beside `loaders`, whose reads need PROJECTS_READ: a token with one of the two scopes has the one and
not the other.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from app.db import apitokens, audit_pages, identities, sessions
from app.db.identities import IdentityRow
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.settings import Category
from app.domain.viewer import Viewer
from app.graphql import audit
from app.graphql.apitokens import ApiToken, api_token
from app.graphql.audit import AuditEntry
from app.graphql.context import State
from app.graphql.identities import Identity, identity
from app.graphql.nodes import Node, User
from app.graphql.sessions import Session, session
from app.graphql.settings import Setting, settings
from app.live.settings import read


class Own:
    """The loaders of one operation, all for its viewer alone."""

    def __init__(self, state: State, viewer: Viewer) -> None:
        self._state = state
        self._viewer = viewer
        self._sessions: DataLoader[UUID, list[Session]] = DataLoader(
            self._load_lists_of_sessions, cache=False
        )
        self._api_tokens: DataLoader[UUID, list[ApiToken]] = DataLoader(
            self._load_lists_of_api_tokens, cache=False
        )
        self._by_key: dict[NodeType, DataLoader[UUID, Any]] = {
            NodeType.SESSION: DataLoader(self._load_sessions, cache=False),
            NodeType.IDENTITY: DataLoader(self._load_identities, cache=False),
            NodeType.API_TOKEN: DataLoader(self._load_api_tokens, cache=False),
            NodeType.SETTING: DataLoader(self._load_settings, cache=False),
            NodeType.AUDIT_ENTRY: DataLoader(self._load_entries, cache=False),
        }

    async def node(self, kind: NodeType, key: UUID) -> Node | None:
        """A thing of one of these kinds; None when the viewer has none by this key."""
        node: Node | None = await self._by_key[kind].load(key)
        return node

    async def sessions_of(self, user: User) -> list[Session]:
        """The sessions of the viewer; of somebody else none."""
        if user.id != ids.encode(NodeType.USER, self._viewer.user_id):
            return []
        return await self._sessions.load(self._viewer.user_id)

    async def _load_lists_of_sessions(self, keys: list[UUID]) -> list[list[Session]]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await sessions.of_user(connection, self._viewer.user_id)
        return [[session(row, self._viewer) for row in rows] for _ in keys]

    async def _load_sessions(self, keys: list[UUID]) -> list[Session | None]:
        # A user has few: the list is the lookup.
        async with self._state.database.read(self._viewer) as connection:
            rows = await sessions.of_user(connection, self._viewer.user_id)
        found = {row.id: session(row, self._viewer) for row in rows}
        return [found.get(key) for key in keys]

    async def api_tokens_of(self, user: User) -> list[ApiToken]:
        """The API tokens of the viewer; of somebody else none."""
        if user.id != ids.encode(NodeType.USER, self._viewer.user_id):
            return []
        return await self._api_tokens.load(self._viewer.user_id)

    async def settings_of(self, user: User, category: Category | None) -> list[Setting]:
        """The settings of the viewer, of one category or all; of somebody else none."""
        if user.id != ids.encode(NodeType.USER, self._viewer.user_id):
            return []
        return [one for one in await self._settings() if category in (None, one.category)]

    async def _settings(self) -> list[Setting]:
        seen = await read(self._state.database, self._viewer)
        return settings(seen, self._state.makers.keys)

    async def _load_settings(self, keys: list[UUID]) -> list[Setting | None]:
        found = {one.id: one for one in await self._settings()}
        return [found.get(strawberry.ID(ids.encode(NodeType.SETTING, key))) for key in keys]

    async def identities_of(self, user: User) -> list[Identity]:
        """The ways of the viewer to sign in; of somebody else none."""
        if user.id != ids.encode(NodeType.USER, self._viewer.user_id):
            return []
        return [identity(row) for row in await self._identities()]

    async def _load_identities(self, keys: list[UUID]) -> list[Identity | None]:
        found = {row.id: identity(row) for row in await self._identities()}
        return [found.get(key) for key in keys]

    async def _identities(self) -> list[IdentityRow]:
        async with self._state.database.read(self._viewer) as connection:
            return await identities.of_user(connection, self._viewer.user_id)

    async def _load_lists_of_api_tokens(self, keys: list[UUID]) -> list[list[ApiToken]]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await apitokens.of_user(connection, self._viewer.user_id)
        return [[api_token(row) for row in rows] for _ in keys]

    async def _load_api_tokens(self, keys: list[UUID]) -> list[ApiToken | None]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await apitokens.by_ids(connection, self._viewer.user_id, keys)
        found = {row.id: api_token(row) for row in rows}
        return [found.get(key) for key in keys]

    async def _load_entries(self, keys: list[UUID]) -> list[AuditEntry | None]:
        async with self._state.database.read(self._viewer) as connection:
            rows = await audit_pages.by_ids(connection, self._viewer, keys)
        found = {row.id: audit.entry(row) for row in rows}
        return [found.get(key) for key in keys]
