"""The stream of a viewer's settings: as they are now, and again whenever they differ.

Level-triggered, without a cursor: each time it is told of something, or some seconds have passed,
it reads all of it and sends it if it is not what was sent last. So nothing can be lost, only be
later.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from app.db import credentials, user_config
from app.db.credentials import CredentialRow
from app.db.session import Database
from app.db.user_config import SettingRow
from app.db.wakeups import settings_channel
from app.domain.viewer import Viewer
from app.live.feeds import Feeds


@dataclass(frozen=True, slots=True)
class SettingsSeen:
    """All settings of a viewer at one moment."""

    kubeconfig: CredentialRow | None
    settings: Sequence[SettingRow] = ()


async def read(database: Database, viewer: Viewer) -> SettingsSeen:
    """The viewer's settings now."""
    async with database.read(viewer) as connection:
        return SettingsSeen(
            await credentials.of_account(connection, viewer, viewer.home),
            await user_config.of_user(connection, viewer.user_id),
        )


async def follow(
    database: Database, feeds: Feeds, viewer: Viewer, poll: float
) -> AsyncGenerator[SettingsSeen, None]:
    """What they are, now and at each change."""
    with feeds.woken(settings_channel(viewer.home)) as woken:
        sent = None
        while True:
            woken.clear()
            seen = await read(database, viewer)
            if seen != sent:
                sent = seen
                yield seen
            with suppress(TimeoutError):
                async with asyncio.timeout(poll * random.uniform(0.8, 1.2)):  # noqa: S311 - jitter
                    await woken.wait()
