"""Who somebody is in the eyes of a provider, and what a new user is called after that."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from secrets import randbelow

from app.domain import limits

_MORE = 6


@dataclass(frozen=True, slots=True)
class Grants:
    """What a provider lets us do there as the user; secret."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a provider said of somebody who signed in there: `subject` is for ever the same one's
    and nobody else's, all else is for people to read. `email` only if the provider verified it."""

    provider: str
    subject: str
    name: str | None = None
    email: str | None = None
    grants: Grants | None = None


def logins(name: str | None) -> Iterator[str]:
    """Logins for somebody called `name`, or with that address, best first, each valid; the later
    ones are random."""
    least, most = limits.LOGIN
    called = (name or "").partition("@")[0]
    plain = unicodedata.normalize("NFKD", called).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:most].rstrip("-")
    if len(base) >= least:
        yield base
    stem = (base or "user")[: most - 1 - _MORE].rstrip("-")
    for _ in range(5):
        yield f"{stem}-{randbelow(10**_MORE):0{_MORE}}"
