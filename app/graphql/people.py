"""Batched reads of users; no scope of a token is needed beyond that of where one is named."""

from __future__ import annotations

from uuid import UUID

from strawberry.dataloader import DataLoader

from app.db import accounts
from app.domain.viewer import Viewer
from app.graphql import build
from app.graphql.context import State
from app.graphql.nodes import User


def loader(state: State, viewer: Viewer) -> DataLoader[UUID, User | None]:
    """Users by their key."""

    async def load(keys: list[UUID]) -> list[User | None]:
        async with state.database.read(viewer) as connection:
            rows = await accounts.users(connection, keys)
        found = {row.id: build.user(row) for row in rows}
        return [found.get(key) for key in keys]

    return DataLoader(load, cache=False)
