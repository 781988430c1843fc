"""The API process: uvicorn with the settings that our measurements chose (design section 7)."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from app.db import sealed
from app.logs import configure_logs
from app.main import create_app
from app.parent import stop_with_parent
from app.secrets.keyring import KeyRing
from app.settings import Settings

# Subscriptions are told to reconnect (1012) at once; this is for answers that are under way.
_GRACEFUL_SECONDS = 5


def serve(settings: Settings, fd: int | None = None) -> None:
    """Serve until SIGTERM; on `fd` if a parent hands a listening socket down."""
    configure_logs(settings.log_level, settings.log_format)
    stop_with_parent(settings.parent_pipe)
    url, _ = settings.postgres()
    asyncio.run(sealed.check_at_start(url, KeyRing(settings.secret_keys.get_secret_value())))
    Server(config(settings)).run([socket.socket(fileno=fd)] if fd is not None else None)


class Server(uvicorn.Server):
    """Ends event streams first: uvicorn closes websockets, but waits for answers to end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        state = self.lifespan.state.get("mooring")
        if state is not None:
            state.leaving.set()
        await super().shutdown(sockets)


def config(settings: Settings) -> uvicorn.Config:
    """How the API is served."""
    return uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=settings.body_limit,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Else uvicorn believes whoever comes from this machine, and reads FORWARDED_ALLOW_IPS.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
    )
