"""`mooring keys`: the rotation of MOORING_SECRET_KEYS as an operator runs it, told line by line.

Connects as the owner of the schema (MOORING_DATABASE_URL), who sees the rows of everybody. Values
are opened and sealed in this process alone, and no line says anything of them.
"""

from collections.abc import Callable
from time import monotonic

from app.db import sealed
from app.db.session import Database
from app.secrets.keyring import KeyRing

Say = Callable[[str], None]
_OFTEN = 2.0


async def check(url: str, keys: KeyRing, say: Say) -> bool:
    """Say how many values each key seals; whether all of them can be opened."""
    used = await _in_use(url)
    for name in [*keys.names, *sorted(used.keys() - set(keys.names))]:
        say(f"{name}: {_verdict(name, used.get(name, 0), keys)}")
    return not used.keys() - set(keys.names)


def _verdict(name: str, used: int, keys: KeyRing) -> str:
    seals = "seals nothing" if not used else f"seals {used} value{'s' * (used > 1)}"
    if name not in keys.names:
        return f"{seals} and is MISSING: add it to MOORING_SECRET_KEYS, behind the newest"
    if name == keys.newest:
        return f"{seals}; the newest"
    return f"{seals}; " + ("run `mooring keys rotate`" if used else "may be taken out")


async def rotate(url: str, keys: KeyRing, say: Say) -> bool:
    """Seal all values with the newest key; whether nothing is left for another run."""
    used = await _in_use(url)
    left = sum(number for name, number in used.items() if name != keys.newest)
    say(f"{left} values are sealed by other keys than {keys.newest}")
    database, whole, said = Database(url, pool=2), True, monotonic()
    try:
        async for step in sealed.rotate(database, keys):
            if step.over or monotonic() - said > _OFTEN:
                said = monotonic()
                say(f"{step.column}: {step.done} sealed anew")
            for wrong in step.broken:
                say(f"  cannot be opened: {wrong}")
            if step.over and step.missed:
                say(f"  {step.missed} were in use whenever we looked")
            whole = whole and not (step.over and (step.broken or step.missed))
    finally:
        await database.close()
    say("All values are sealed by the newest key" if whole else "Not all: see above, run it again")
    return whole


async def _in_use(url: str) -> dict[str, int]:
    database = Database(url, pool=2)
    try:
        async with database.read(sealed.OPERATOR) as connection:
            return await sealed.in_use(connection)
    finally:
        await database.close()
