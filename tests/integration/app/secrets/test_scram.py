"""A role whose verifier was computed here signs in with its password and with no other."""

import asyncpg
import pytest

from app.postgres import EmbeddedPostgres
from app.secrets.scram import verifier
from tests.postgres import make_database


@pytest.mark.parametrize("password", ["plain", 'it\'s \\ "quoted" $1:x', "Gemüse ½ ﬁ", " "])
async def test_postgres_lets_in_whoever_has_the_password(
    postgres: EmbeddedPostgres, password: str
) -> None:
    await make_database(postgres, "scram")
    admin = await asyncpg.connect(postgres.admin_dsn())
    await admin.execute("DROP ROLE IF EXISTS scram_role; CREATE ROLE scram_role LOGIN")

    await admin.execute(f"ALTER ROLE scram_role PASSWORD '{verifier(password)}'")

    kept = await admin.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'scram_role'")
    await admin.close()
    assert kept.startswith("SCRAM-SHA-256$4096:")
    dsn = postgres.dsn("scram", "scram_role", password)
    await (await asyncpg.connect(dsn)).close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn("scram", "scram_role", f"{password}x"))
