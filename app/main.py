"""The API: routes, and a lifespan with what one process holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from broadcaster import Broadcast
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route, WebSocketRoute

from app.auth.entrance import Entrance
from app.auth.sessions import Sessions
from app.db import migrations, retention
from app.db.session import Database
from app.db.wakeups import Publisher
from app.domain.viewer import Viewer
from app.graphql.context import Connection, State
from app.graphql.endpoint import Endpoint
from app.graphql.sockets import Sockets
from app.live.backend import WakeupBackend
from app.live.feeds import Feeds
from app.live.grants import Grants
from app.secrets.keyring import KeyRing
from app.services.projects import Makers
from app.settings import Settings
from app.web import audit_export, health, playground, start
from app.web.cookies import Cookies
from app.web.sign_in import SignIn


async def _viewer(request: Request) -> Viewer | None:
    """Who asks for what is no GraphQL."""
    return await Connection.of(request.state.mooring, request).viewer()


def create_app(settings: Settings) -> Starlette:
    """The ASGI application; settings that cannot work are refused here, before it serves."""
    url, listen_url = settings.postgres()
    sessions = Sessions(settings)
    keys = KeyRing(settings.secret_keys.get_secret_value())
    makers = Makers(settings, keys)
    entrance = Entrance(settings)
    publisher = Publisher(listen_url, enabled=settings.notify)
    database = Database(
        url,
        pool=settings.database_pool,
        pooled=settings.listen_url is not None,
        publisher=publisher,
    )

    sign_in = SignIn(
        database,
        entrance,
        sessions,
        keys,
        viewer_of=_viewer,
        fresh=settings.fresh_sign_in,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        broadcast = Broadcast(backend=WakeupBackend(listen_url, enabled=settings.notify))
        feeds = Feeds(database, broadcast, poll=settings.feed_poll, depth=settings.feed_queue)
        grants = Grants(database, broadcast, poll=settings.feed_poll)
        await broadcast.connect()
        state = State(settings, database, sessions, makers, feeds, grants, entrance)
        keep = retention.Keep(
            timedelta(seconds=settings.keep_changes), timedelta(seconds=settings.keep_audit)
        )
        tasks = [
            asyncio.create_task(publisher.run()),
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

    return Starlette(
        routes=[
            Route("/", start.start_page),
            *health.routes(health.database_checks(database, migrations.head())),
            *playground.routes(),
            *audit_export.routes(_viewer),
            *Cookies(database, sessions, settings.public_url).routes(),
            *sign_in.routes(),
            Route("/graphql", Endpoint()),
            WebSocketRoute("/graphql", Sockets(settings.socket_init_timeout, settings.public_url)),
        ],
        lifespan=lifespan,
    )
