"""The API: routes, and a lifespan with what one process holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from broadcaster import Broadcast
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute

from app.auth.entrance import Entrance
from app.auth.sessions import Sessions
from app.db import migrations, retention
from app.db.engine import Process, this_process
from app.db.readiness import database_checks
from app.db.session import Database
from app.db.wakeups import Publisher
from app.domain.viewer import API, Viewer
from app.graphql.context import Connection, State
from app.graphql.endpoint import Endpoint
from app.graphql.sockets import Sockets
from app.live.backend import WakeupBackend
from app.live.feeds import Feeds
from app.live.grants import Grants
from app.secrets.keyring import KeyRing
from app.services.projects import Makers
from app.settings import Settings
from app.web import audit_export, away, health, playground, start
from app.web.cookies import Cookies
from app.web.sign_in import SignIn


async def _viewer(request: Request) -> Viewer | None:
    """Who asks for what is no GraphQL."""
    return await Connection.of(request.state.mooring, request).viewer()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a process has before it serves; settings that cannot work are refused in making it."""

    settings: Settings
    listen_url: str
    publisher: Publisher
    database: Database
    keys: KeyRing
    sessions: Sessions
    entrance: Entrance

    @classmethod
    def of(cls, settings: Settings) -> Self:
        url, listen_url = settings.postgres()
        publisher = Publisher(listen_url, enabled=settings.notify)
        pooled = settings.listen_url is not None
        return cls(
            settings,
            listen_url,
            publisher,
            Database(
                url,
                pool=settings.database_pool,
                pooled=pooled,
                publisher=publisher,
                process=Process("api", this_process()),
                limit=settings.database_timeout,
            ),
            KeyRing(settings.secret_keys.get_secret_value()),
            Sessions(settings),
            Entrance(settings),
        )


def create_app(settings: Settings) -> Starlette:
    """The ASGI application; SettingsError before it serves, for settings that cannot work."""
    parts = _Parts.of(settings)
    return Starlette(
        routes=_routes(parts), lifespan=lambda _: _running(parts), exception_handlers=away.HANDLERS
    )


def _routes(parts: _Parts) -> list[BaseRoute]:
    settings, database, sessions = parts.settings, parts.database, parts.sessions
    sign_in = SignIn(
        database,
        parts.entrance,
        sessions,
        parts.keys,
        viewer_of=_viewer,
        fresh=settings.fresh_sign_in,
    )
    return [
        Route("/", start.start_page),
        *health.routes(database_checks(database, migrations.head(), API)),
        *playground.routes(),
        *audit_export.routes(_viewer),
        *Cookies(database, sessions, settings.public_url).routes(),
        *sign_in.routes(),
        Route("/graphql", Endpoint()),
        WebSocketRoute("/graphql", Sockets(settings.socket_init_timeout, settings.public_url)),
    ]


@asynccontextmanager
async def _running(parts: _Parts) -> AsyncIterator[dict[str, Any]]:
    settings, database, sessions = parts.settings, parts.database, parts.sessions
    makers, entrance = Makers(settings, parts.keys), parts.entrance
    broadcast = Broadcast(backend=WakeupBackend(parts.listen_url, enabled=settings.notify))
    feeds = Feeds(database, broadcast, poll=settings.feed_poll, depth=settings.feed_queue)
    grants = Grants(database, broadcast, poll=settings.feed_poll)
    await broadcast.connect()
    state = State(settings, database, sessions, makers, feeds, grants, entrance)
    keep = retention.Keep(
        timedelta(seconds=settings.keep_changes), timedelta(seconds=settings.keep_audit)
    )
    tasks = [
        asyncio.create_task(parts.publisher.run()),
        asyncio.create_task(feeds.poll()),
        asyncio.create_task(grants.run()),
        asyncio.create_task(state.api_tokens.run(database)),
        asyncio.create_task(sessions.run(database)),
        asyncio.create_task(retention.run(database, keep, settings.prune_every)),
    ]
    try:
        yield {"mooring": state}
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await broadcast.disconnect()
        await entrance.outbound.close()
        await database.close()
