"""What a run's database is told to note, and the clock that it goes by.

Each write of a row of a resource, or of a kubeconfig, leaves a line: the row before and after, the
moment, and the leases under which the transaction said it wrote. `mooring_now()` and
`mooring_clock()` are what `pass_time` has made of them (data-layer.md section 5).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

_BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
# Where `record` says under which leases it writes: {row: token}.
TOKENS = "simulation.tokens"

PREPARE = """
CREATE TABLE simulation_clock (at timestamptz NOT NULL);
CREATE OR REPLACE FUNCTION mooring_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
  AS 'SELECT at FROM public.simulation_clock';
CREATE OR REPLACE FUNCTION mooring_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
  AS 'SELECT at FROM public.simulation_clock';
GRANT SELECT ON simulation_clock TO PUBLIC;
INSERT INTO simulation_clock VALUES (now());

CREATE TABLE simulation_write (n bigserial PRIMARY KEY, kind text, id uuid, clock timestamptz,
  tokens text, by text, before jsonb, after jsonb);
CREATE FUNCTION simulation_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO simulation_write (kind, id, clock, tokens, by, before, after) VALUES (
    TG_TABLE_NAME, coalesce(NEW.id, OLD.id), mooring_clock(),
    nullif(current_setting('simulation.tokens', true), ''),
    split_part(current_setting('application_name'), ' ', 2), to_jsonb(OLD) - 'model',
    to_jsonb(NEW) - 'model');
  RETURN NULL;
END $$;
CREATE TRIGGER simulation_note AFTER INSERT OR UPDATE OR DELETE ON resource
  FOR EACH ROW EXECUTE FUNCTION simulation_note();
CREATE TRIGGER simulation_note AFTER INSERT OR UPDATE OR DELETE ON credential
  FOR EACH ROW EXECUTE FUNCTION simulation_note();
"""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """One write of one row; before None: it was made, after None: it went. `token`: of the lease
    that a record wrote it under; None: it was no record. `by`: which reconciler; "": none.
    `resource`: of what, a resource or, where `of_look`, a kubeconfig."""

    of_look: bool
    resource: UUID
    clock: datetime
    token: str | None
    recorded: bool
    by: str
    before: Row | None
    after: Row | None

    def told(self) -> str | None:
        """In words, as far as it matters to a story."""
        row = self.after or self.before or {}
        title = "kubeconfig" if self.of_look else f"{str(row['kind']).lower()} {row['name']}"
        name = f"{title} ({str(self.resource)[-4:]})"
        before, after = self.before, self.after
        if before is None:
            return f"{name} is there"
        if after is None:
            return f"{name} goes"
        if after["lease_token"] not in (None, before["lease_token"]):
            return f"{after['locked_by']} claims {name}"
        if not self.recorded:
            return None
        moved = [
            f"{what} {before[what]} → {after[what]}"
            for what in ("status", "state", "phase", "observed_generation", "reason")
            if before.get(what) != after.get(what)
        ]
        return f"{before['locked_by']} records {name}: {', '.join(moved) or 'as it was'}"


class Ledger:
    """Through a connection of the database's owner."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self.now = _BEGIN

    async def begin(self) -> None:
        """The clock of a run that begins."""
        await self._connection.execute("DELETE FROM simulation_clock")
        await self._connection.execute("INSERT INTO simulation_clock VALUES ($1)", self.now)

    async def pass_time(self, seconds: float) -> None:
        """Move the clock that rows go by."""
        self.now += timedelta(seconds=seconds)
        await self._connection.execute("UPDATE simulation_clock SET at = $1", self.now)

    async def news(self) -> list[Write]:
        """What was written, and committed, since the last time; of each row in order."""
        found = await self._connection.fetch(
            "WITH d AS (DELETE FROM simulation_write RETURNING *) SELECT * FROM d ORDER BY n"
        )
        return [_write(line) for line in found]


def _write(line: "asyncpg.Record") -> Write:
    tokens = orjson.loads(line["tokens"]) if line["tokens"] else None
    before, after = line["before"], line["after"]
    return Write(
        line["kind"] == "credential",
        line["id"],
        line["clock"],
        tokens.get(str(line["id"])) if tokens else None,
        tokens is not None,
        line["by"],
        orjson.loads(before) if before else None,
        orjson.loads(after) if after else None,
    )
