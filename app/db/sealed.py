"""The columns that hold sealed values: which keys they need, and their re-encryption.

`SEALED` is the one list of them. `mooring_keys_in_use`, a function of the schema's owner, reads the
ids of the keys out of all of them (a sealed value begins with its key's, `keyring`) and tells
nothing else, so that each process may ask at its start whether it has what it needs.

Rotation runs as the owner beside processes that read and write. It takes a batch without a lock,
seals it anew, and writes each value only where the old one is still there, in order of id and
without waiting for anybody: a concurrent write is never overwritten, no lock is held while we
compute, and to stop at any point and begin again loses nothing, because what is done is sealed
with the newest key and is not found again.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import structlog
from sqlalchemy import TextClause, text

from app.db.rows import Executor
from app.db.session import AWAY, Database
from app.domain.viewer import System
from app.secrets.keyring import KeyRing, KeyRingError
from app.settings import SettingsError

log = structlog.get_logger(__name__)

OPERATOR = System("operator")
_BATCH = 100
# Rows that others hold or change all the time: how often these are looked at again, and how soon.
_LAPS = 20
_PAUSE = 0.5
# How long a process waits at its start to know, in seconds.
_START = 5.0


@dataclass(frozen=True)
class Column:
    """One column of sealed values; the row's `id` is bound to each."""

    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"

    @cached_property
    def due(self) -> TextClause:
        """Those after a row that another key than `newest` seals, in order of id."""
        return text(f"""
SELECT id, {self.name} AS sealed FROM {self.table}
WHERE id > :after AND length({self.name}) > 2
  AND substring({self.name} FROM 3 FOR get_byte(substring({self.name} FROM 1 FOR 2), 1)) <> :newest
ORDER BY id LIMIT :most
""")

    @cached_property
    def swap(self) -> TextClause:
        """New values where the old ones are still there and nobody holds the row."""
        return text(f"""
WITH k AS MATERIALIZED (
  SELECT t.id, i.new FROM {self.table} t
  JOIN unnest(CAST(:ids AS uuid[]), CAST(:olds AS bytea[]), CAST(:news AS bytea[])) i(id, old, new)
    ON t.id = i.id AND t.{self.name} = i.old
  ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED)
UPDATE {self.table} t SET {self.name} = k.new FROM k WHERE t.id = k.id RETURNING t.id
""")


SEALED = (
    Column("sandbox", "ttyd_password"),
    Column("database", "password"),
    Column("environment", "value"),
    Column("credential", "model"),
    Column("user_config", "value"),
    Column("anthropic_version", "value"),
    Column("user_identity", "access_token"),
    Column("user_identity", "refresh_token"),
)

_IN_USE = text("SELECT key, used FROM mooring_keys_in_use()")


@dataclass(frozen=True, slots=True)
class Step:
    """How far the rotation of one column is.

    `over` in its last step, which also has what cannot be opened, and how many values others held
    or changed whenever we looked.
    """

    column: Column
    done: int
    over: bool = False
    broken: tuple[str, ...] = ()
    missed: int = 0


async def in_use(executor: Executor) -> dict[str, int]:
    """How many values each key seals, by its id."""
    found = await executor.execute(_IN_USE)
    return {row.key.decode(errors="replace"): row.used for row in found}


async def check(executor: Executor, keys: KeyRing) -> None:
    """SettingsError that names each key which seals a value and is not among `keys`."""
    used = await in_use(executor)
    gone = {name: used[name] for name in sorted(used.keys() - set(keys.names))}
    if gone:
        named = ", ".join(f"{name!r} ({number})" for name, number in gone.items())
        raise SettingsError(
            f"MOORING_SECRET_KEYS lacks keys that seal values (how many): {named}. Add them again "
            "behind the newest one, run `mooring keys rotate`, and take them out afterwards"
        )


async def check_at_start(url: str, keys: KeyRing) -> None:
    """`check` on a connection of its own; a Postgres that is away, or has no schema yet, is for
    readiness to tell, and does not keep a process from starting."""
    database = Database(url, pool=1)
    try:
        async with asyncio.timeout(_START), database.read(OPERATOR) as connection:
            await check(connection, keys)
    except AWAY as error:
        log.warning("it is not known whether a key for secrets is missing", error=repr(error))
    finally:
        await database.close()


async def rotate(database: Database, keys: KeyRing) -> AsyncGenerator[Step]:
    """Seal every value with the newest of `keys`: a step after each batch and after each column."""
    for column in SEALED:
        async for step in _rotate_column(database, keys, column):
            yield step


async def _rotate_column(database: Database, keys: KeyRing, column: Column) -> AsyncGenerator[Step]:
    done, broken = 0, dict[UUID, str]()
    for lap in range(_LAPS):
        after, missed = UUID(int=0), 0
        while batch := await due(database, keys, column, after):
            after = batch[-1][0]
            fresh, wrong = _sealed_anew(batch, keys, column)
            broken |= wrong
            written = await swap(database, column, fresh)
            done += written
            missed += len(fresh) - written
            yield Step(column, done)
        if not missed:
            break
        if lap < _LAPS - 1:
            await asyncio.sleep(_PAUSE)
    yield Step(column, done, True, tuple(broken.values()), missed)


async def due(
    database: Database, keys: KeyRing, column: Column, after: UUID
) -> Sequence[tuple[UUID, bytes]]:
    """The next values that are not sealed by the newest key."""
    binds = {"after": after, "newest": keys.newest.encode(), "most": _BATCH}
    async with database.read(OPERATOR) as connection:
        return [(row.id, row.sealed) for row in await connection.execute(column.due, binds)]


async def swap(
    database: Database, column: Column, fresh: Sequence[tuple[UUID, bytes, bytes]]
) -> int:
    """Write new values over the old ones that are still there; how many."""
    if not fresh:
        return 0
    ids, olds, news = map(list, zip(*fresh, strict=True))
    binds = {"ids": ids, "olds": olds, "news": news}
    async with database.autocommit(OPERATOR) as connection:
        return len((await connection.execute(column.swap, binds)).all())


def _sealed_anew(
    batch: Sequence[tuple[UUID, bytes]], keys: KeyRing, column: Column
) -> tuple[list[tuple[UUID, bytes, bytes]], dict[UUID, str]]:
    """Old and new by row, and what is wrong with those that cannot be opened."""
    fresh, wrong = list[tuple[UUID, bytes, bytes]](), dict[UUID, str]()
    for row, sealed in batch:
        try:
            value = keys.open(sealed, column.table, row, column.name)
        except KeyRingError as error:
            wrong[row] = str(error)
        else:
            fresh.append((row, sealed, keys.seal(value, column.table, row, column.name)))
    return fresh, wrong
