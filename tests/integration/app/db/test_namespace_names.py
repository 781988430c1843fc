"""Accounts that were there before they had namespaces have names for them afterwards."""

import re

from sqlalchemy import text

from app.db import migrations
from app.db.session import Database
from app.domain.ids import new_id
from app.domain.viewer import API
from app.postgres import EmbeddedPostgres
from tests.postgres import make_database

LOGINS = {"ada": "ada", "-a-": "a", "---": "account", "x" * 19 + "-yz": "x" * 19, "9th": "9th"}
NEW = text("""
WITH u AS (INSERT INTO "user" (id, login) VALUES (:id, :login) RETURNING id, login)
INSERT INTO account (id, owner_id, login) SELECT id, id, login FROM u
""")


async def test_each_account_gets_a_name_of_its_login(postgres: EmbeddedPostgres) -> None:
    url = await make_database(postgres, "namespaces")
    await migrations.upgrade(url, "2026_11_25_keys_in_use")
    database = Database(url, pool=1)
    async with database.begin(API) as session:
        for login in LOGINS:
            await session.execute(NEW, {"id": new_id(), "login": login})

    await migrations.upgrade(url)

    async with database.begin(API) as session:
        # As a process of the release before makes one.
        await session.execute(NEW, {"id": new_id(), "login": "late"})
        rows = await session.execute(text("SELECT login, k8s_namespace FROM account"))
        names = {row.login: row.k8s_namespace for row in rows}
    await database.close()
    for login, slug in (LOGINS | {"late": "account"}).items():
        assert re.fullmatch(f"mooring-{slug}-[a-p]{{8}}", names[login])
    assert len(set(names.values())) == len(names)
