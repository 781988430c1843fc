"""Limits on a real Postgres: counted first and for all processes, forgiven on success."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.auth.throttle import Throttle
from app.db import retention, roles
from app.db.retention import Keep
from app.db.session import Database
from app.domain.errors import BadCredentials, InvalidInput, RateLimited
from app.domain.viewer import API
from app.settings import Settings
from tests.postgres import as_role

KEYS = SecretStr("k1:" + "k" * 32)
HERE, THERE = "192.0.2.1", "198.51.100.1"


class Gate:
    """The limits as one process has them."""

    def __init__(self, database: Database, **settings: int) -> None:
        self.database = database
        self.throttle = Throttle(Settings(token_keys=KEYS).model_copy(update=settings))

    async def wrong(self, login: str = "ada", address: str | None = HERE) -> int | None:
        """A failed attempt: the seconds that it was refused for, or None when it was looked at."""
        try:
            async with self.throttle.signing_in(self.database, address, login):
                raise BadCredentials
        except RateLimited as refused:
            return int(str(refused.facts["retryAfter"]))
        except BadCredentials:
            return None

    async def waits(self, kind: str = "pair") -> list[float]:
        """How long the counts of this kind made the next try wait, whatever time has passed."""
        async with self.database.read(API) as connection:
            found = await connection.execute(
                text(
                    "SELECT extract(epoch FROM greatest(until, since) - since) AS seconds"
                    " FROM throttle WHERE key LIKE :kind ORDER BY 1"
                ),
                {"kind": f"{kind} %"},
            )
            return [float(row.seconds) for row in found]

    async def failures(self, number: int, login: str = "ada", address: str = HERE) -> list[float]:
        """So many, each as soon as it may be; the waits after each. `{}` is another each time."""
        seen = []
        for place in range(number):
            assert await self.wrong(login, address.format(place)) is None
            wait = max(await self.waits("pair") + await self.waits("login"))
            await self.later(wait)
            seen.append(wait)
        return seen

    async def right(self, login: str = "ada", address: str | None = HERE) -> None:
        async with self.throttle.signing_in(self.database, address, login):
            pass

    async def later(self, seconds: float) -> None:
        """Let so much time have passed."""
        async with self.database.begin(API) as session:
            await session.execute(
                text(
                    "UPDATE throttle SET since = since - :ago * interval '1 second',"
                    " until = until - :ago * interval '1 second'"
                ),
                {"ago": float(seconds)},
            )

    async def keys(self) -> list[str]:
        async with self.database.read(API) as connection:
            found = await connection.execute(text("SELECT key FROM throttle ORDER BY key"))
            return [row.key for row in found]


@pytest.fixture
def gate(api_database: Database) -> Gate:
    return Gate(api_database)


async def test_after_the_free_failures_each_further_one_waits_twice_as_long(gate: Gate) -> None:
    waits = await gate.failures(17)

    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


async def test_what_is_refused_is_not_counted(gate: Gate) -> None:
    await gate.failures(14)
    assert await gate.wrong() is None

    refused = [await gate.wrong() for _ in range(20)]
    await gate.later(900)

    assert all(wait is not None and 800 < wait <= 900 for wait in refused)
    assert await gate.wrong() is None


async def test_the_same_whether_anybody_could_have_the_login(gate: Gate) -> None:
    known = await gate.failures(8, "ada", HERE)
    await gate.right("ada", HERE)
    unknown = await gate.failures(8, "\ud800 nobody", THERE)

    assert known == unknown == [0, 0, 0, 0, 1, 2, 4, 8]


async def test_of_a_hundred_at_once_one_is_looked_at(gate: Gate) -> None:
    await gate.failures(14)

    answers = await asyncio.gather(*(gate.wrong() for _ in range(100)))

    assert answers.count(None) == 1


async def test_of_many_at_once_each_from_elsewhere_one_is_looked_at(api_database: Database) -> None:
    gate = Gate(api_database, sign_in_tries_login=3)
    await gate.failures(13, "ada", "198.51.100.{}")

    answers = await asyncio.gather(*(gate.wrong(address=f"192.0.2.{n}") for n in range(60)))

    assert answers.count(None) == 1


async def test_a_success_resets_the_login_and_not_the_address(api_database: Database) -> None:
    gate = Gate(api_database, sign_in_tries_address=8)
    for _ in range(4):
        await gate.wrong()
    await gate.right()

    again = [await gate.wrong() for _ in range(4)]

    assert again == [None] * 4
    assert await gate.waits("pair") == [0]
    assert await gate.waits("address") == [1]


async def test_one_address_is_limited_whatever_the_logins(api_database: Database) -> None:
    gate = Gate(api_database, sign_in_tries_address=10)

    answers = [await gate.wrong(f"user-{n}", f"2001:db8::{n}") for n in range(10)]

    assert answers == [None] * 10
    assert await gate.waits("address") == [1]
    assert await gate.wrong("user-0", "2001:db8:0:1::1") is None


async def test_nobody_is_locked_out_from_where_he_signed_in_before(api_database: Database) -> None:
    gate = Gate(api_database, sign_in_tries_login=3)
    await gate.right("ada", HERE)
    await gate.failures(13, "ada", "198.51.100.{}")
    await gate.wrong("ada", THERE)

    assert await gate.wrong("ada", "203.0.113.1") is not None
    assert await gate.wrong("ada", HERE) is None
    await gate.right("ada", HERE)


async def test_without_an_address_only_the_login_is_limited(api_database: Database) -> None:
    gate = Gate(api_database, sign_in_tries_address=3)

    answers = [await gate.wrong(f"user-{n}", None) for n in range(10)]

    assert answers == [None] * 10
    assert await gate.waits("address") == []
    assert await gate.waits("pair") == [0] * 10


async def test_whatever_the_caller_is_told_to_be_wrong_counts(gate: Gate) -> None:
    for _ in range(5):
        with pytest.raises(InvalidInput):
            async with gate.throttle.signing_in(gate.database, HERE, "ada"):
                raise InvalidInput([])

    assert await gate.waits() == [1]


async def test_a_failure_of_ours_counts_for_nothing(gate: Gate) -> None:
    for _ in range(10):
        with pytest.raises(LookupError):
            async with gate.throttle.signing_in(gate.database, HERE, "ada"):
                raise LookupError

    assert await gate.failures(5) == [0, 0, 0, 0, 1]


async def test_no_login_is_kept_as_it_was_typed(gate: Gate) -> None:
    await gate.wrong("my secret password")
    await gate.right("ada")

    kept = " ".join(await gate.keys())

    assert "secret" not in kept
    assert "ada" not in kept
    assert HERE not in kept


async def test_a_limit_of_nothing_is_none(api_database: Database) -> None:
    off = dict.fromkeys(
        (
            "sign_in_tries",
            "sign_in_tries_login",
            "sign_in_tries_address",
            "sign_ups_hourly",
            "mutations_per_minute",
        ),
        0,
    )
    gate = Gate(api_database, **off)

    assert {await gate.wrong() for _ in range(100)} == {None}
    await gate.right()
    await gate.throttle.sign_up(gate.database, HERE)
    await gate.throttle.mutate(gate.database, uuid4(), 1000)
    assert await gate.keys() == []


async def test_sign_ups_of_one_address_come_back_evenly(api_database: Database) -> None:
    gate = Gate(api_database, sign_ups_hourly=4)
    for _ in range(4):
        await gate.throttle.sign_up(api_database, HERE)

    with pytest.raises(RateLimited) as refused:
        await gate.throttle.sign_up(api_database, HERE)
    await gate.throttle.sign_up(api_database, THERE)
    await gate.later(900)
    await gate.throttle.sign_up(api_database, HERE)

    assert 800 < int(str(refused.value.facts["retryAfter"])) <= 900


async def test_mutations_of_two_processes_share_one_bucket(
    url: str, api_database: Database
) -> None:
    user = uuid4()
    async with second(url) as other:
        gates = [Gate(it, mutations_per_minute=30) for it in (api_database, other)]

        async def one(number: int) -> bool:
            gate = gates[number % 2]
            try:
                await gate.throttle.mutate(gate.database, user, 1)
            except RateLimited:
                return False
            return True

        begun = time.monotonic()
        allowed = await asyncio.gather(*(one(number) for number in range(100)))

        # Every two seconds one comes back.
        assert 30 <= sum(allowed) <= 31 + (time.monotonic() - begun) / 2
        with pytest.raises(RateLimited) as refused:
            await gates[0].throttle.mutate(api_database, user, 30)
        assert 1 <= int(str(refused.value.facts["retryAfter"])) <= 60


async def test_sign_ins_of_two_processes_share_one_count(url: str, api_database: Database) -> None:
    async with second(url) as other:
        gates = [Gate(api_database), Gate(other)]
        await gates[0].failures(14)

        answers = await asyncio.gather(*(gates[n % 2].wrong() for n in range(40)))

    assert answers.count(None) == 1


async def test_what_is_over_is_taken_away_and_what_is_not_stays(
    database: Database, gate: Gate
) -> None:
    await gate.wrong("old")
    await gate.right("known")
    await gate.later(86401)
    await gate.wrong("new")
    before = await gate.keys()

    await retention.prune(database, Keep(timedelta(days=90), timedelta(days=400)))

    kinds = [key.partition(" ")[0] for key in await gate.keys()]
    assert len(before) == 6
    # The address was tried just now, and the known network is known for weeks.
    assert sorted(kinds) == ["address", "known", "login", "pair"]


@asynccontextmanager
async def second(url: str) -> AsyncIterator[Database]:
    """The database as another process has it."""
    opened = Database(as_role(url, roles.API), pool=5)
    yield opened
    await opened.close()
