"""When sessions and tokens were used is written beside whoever ends them, and waits for nobody."""

import asyncio
from datetime import timedelta

from app.db import apitokens, sessions
from app.db.session import Database
from app.db.sessions import SignIn, Terms
from app.domain.viewer import API
from tests.integration.world import PATIENCE, viewer_of

HOUR = timedelta(hours=1)


async def test_a_note_of_use_does_not_wait_for_who_ends_a_session(database: Database) -> None:
    viewer = await viewer_of(database)
    terms = Terms(HOUR, HOUR, HOUR, HOUR)
    async with database.begin(API) as session:
        made = [
            await sessions.open_session(session, viewer.user_id, SignIn("PASSWORD"), terms)
            for _ in range(2)
        ]

    async with database.begin(API) as ending, asyncio.timeout(PATIENCE):
        await sessions.end(ending, viewer.user_id, made[0].id)
        async with database.begin(API) as noting:
            await sessions.used(noting, [row.id for row in made])
            await apitokens.touch(noting, [row.id for row in made])
    async with database.read(API) as connection:
        left = {row.id: row for row in await sessions.of_user(connection, viewer.user_id)}

    assert made[0].id not in left
    assert left[made[1].id].last_used_at > made[1].last_used_at
