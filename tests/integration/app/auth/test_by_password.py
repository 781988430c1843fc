"""Signing in with a password: who gets in, what is kept of it, and what a stranger can tell."""

import asyncio
import time
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.auth.by_password import ByPassword
from app.auth.entrance import Entrance
from app.auth.sessions import Sessions
from app.db.accounts import PASSWORD
from app.db.session import Database
from app.db.sessions import SignIn
from app.domain.errors import BadCredentials, InvalidInput
from app.domain.viewer import API
from app.settings import Settings
from tests.integration.world import TOKEN_KEYS, becomes, viewer_of

pytestmark = pytest.mark.security

QUICK = Settings(password_memory=35840, password_time=1, password_parallelism=1, sign_in_tries=0)
SESSIONS = Sessions(Settings(token_keys=SecretStr(TOKEN_KEYS)))
HERE = SignIn(PASSWORD, None, "192.0.2.1")
RIGHT = "correct horse battery"


@dataclass
class Door:
    """The way in, with these parameters."""

    database: Database
    entrance: Entrance

    @property
    def way(self) -> ByPassword:
        return ByPassword(self.database, self.entrance, SESSIONS)

    async def sign_up(self, login: str = "ada") -> None:
        await self.way.sign_up(login, RIGHT, HERE)

    async def sign_in(
        self, login: str = "ada", password: str = RIGHT, *, registers: bool = False
    ) -> str:
        return (await self.way.sign_in(login, password, HERE, registers=registers)).user.login

    async def secret(self) -> str:
        return str((await self._rows("SELECT secret FROM user_identity"))[0][0])

    async def audit(self) -> list[tuple[object, ...]]:
        return await self._rows(
            "SELECT action, outcome, actor_kind, actor_name, subject_name, address,"
            " detail::text FROM audit WHERE subject_type IS DISTINCT FROM 'Session' ORDER BY id"
        )

    async def _rows(self, statement: str) -> list[tuple[object, ...]]:
        async with self.database.read(API) as connection:
            return [tuple(row) for row in await connection.execute(text(statement))]


@pytest.fixture
def door(database: Database) -> Door:
    return Door(database, Entrance(QUICK))


async def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(door: Door) -> None:
    await door.sign_up()
    before = await door.secret()
    door.entrance = Entrance(QUICK.model_copy(update={"password_time": 2}))

    with pytest.raises(BadCredentials):
        await door.sign_in(password="wrong")
    unchanged = await door.secret()
    await door.sign_in()
    after = await door.secret()
    await door.sign_in()

    assert unchanged == before
    assert "t=1" in before
    assert "t=2" in after
    assert await door.secret() == after


async def test_sign_ups_and_sign_ins_are_in_the_audit_with_their_address(door: Door) -> None:
    await door.sign_up()
    await door.sign_in()

    who = ("DONE", "USER", "ada", "ada", "192.0.2.1", '{"provider": "PASSWORD"}')
    assert await door.audit() == [("user.sign-up", *who), ("sign-in.done", *who)]


async def test_what_was_refused_is_kept_without_anything_that_was_typed_wrong(door: Door) -> None:
    await door.sign_up()
    for login, password in (("ada", "hunter2-hunter2"), ("hunter2-hunter2", "ada")):
        with pytest.raises(BadCredentials):
            await door.sign_in(login, password)

    known, unknown = (await door.audit())[1:]
    refused = ("sign-in.refused", "REFUSED", "SYSTEM", "api")
    assert known == (*refused, "ada", "192.0.2.1", '{"provider": "PASSWORD"}')
    assert unknown == (*refused, None, "192.0.2.1", '{"provider": "PASSWORD"}')


async def test_a_user_without_a_password_signs_in_with_none(door: Door, database: Database) -> None:
    await viewer_of(database, "eve")
    async with database.begin(API) as session:
        await session.execute(text("DELETE FROM user_identity"))

    with pytest.raises(BadCredentials):
        await door.sign_in("eve", registers=True)


async def test_an_unknown_login_costs_what_a_wrong_password_costs(door: Door) -> None:
    await door.sign_up()

    async def cost(login: str) -> float:
        begun = time.process_time()
        for _ in range(3):
            with pytest.raises(BadCredentials):
                await door.sign_in(login, "wrong")
        return time.process_time() - begun

    await cost("nobody")
    wrong, unknown = await cost("ada"), await cost("nobody")

    assert 0.5 < unknown / wrong < 2


async def test_a_login_that_nobody_has_is_registered_where_that_is_on(door: Door) -> None:
    with pytest.raises(BadCredentials):
        await door.sign_in("ada")

    assert await door.sign_in("ada", registers=True) == "ada"
    assert await door.sign_in("ada") == "ada"
    with pytest.raises(BadCredentials):
        await door.sign_in("ada", "another password", registers=True)
    with pytest.raises(BadCredentials):
        await door.sign_in("Not A Login", registers=True)
    with pytest.raises(InvalidInput):
        await door.sign_in("bob", "short", registers=True)


async def test_nobody_comes_in_with_a_password_that_is_changed_meanwhile(
    door: Door, database: Database
) -> None:
    await door.sign_up()
    async with database.begin(API) as session:
        await session.execute(text("UPDATE user_identity SET secret = secret || 'x'"))
        entering = asyncio.create_task(door.sign_in())
        await becomes(lambda: waits(database))

    with pytest.raises(BadCredentials):
        await entering


async def waits(database: Database) -> bool:
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted"))
        return found.first() is not None
