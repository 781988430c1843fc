"""What a migration does to those who go on working meanwhile."""

import asyncpg
import pytest

from app.db import migrations
from app.db.engine import plain
from app.postgres import EmbeddedPostgres
from tests.postgres import make_database


@pytest.mark.faults
async def test_it_gives_up_rather_than_make_everybody_wait_behind_it(
    postgres: EmbeddedPostgres,
) -> None:
    url = await make_database(postgres, "waits")
    await migrations.upgrade(url, "2026_11_25_keys_in_use")
    busy = await asyncpg.connect(plain(url))

    async with busy.transaction():
        await busy.execute("LOCK account IN ACCESS SHARE MODE")
        with pytest.raises(Exception, match="lock timeout"):
            await migrations.upgrade(url)
    await migrations.upgrade(url)

    assert await busy.fetchval("SELECT version_num FROM alembic_version") == migrations.head()
    await busy.close()
