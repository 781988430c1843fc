"""A sign-in at a provider that is under way, as the browser carries it: sealed, and not for long.

The provider's name is part of the seal, so that what began with one cannot end with another
(RFC 9700 section 4.4). For linking it names the user and the session that began it.
"""

import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from typing import Final
from uuid import UUID

import orjson

from app.secrets.keyring import KeyRing, KeyRingError

LIFETIME: Final = 600
_TABLE: Final = "sign-in under way"
_NO_ROW: Final = UUID(int=0)
# Nothing that a browser strips or takes for a slash: it would then be another server's.
_LOCAL: Final = re.compile(r"/(?!/)[!-\[\]-~]{0,511}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Linking:
    """Whose new way to sign in it is to be, and in which session that began."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class Flow:
    """What must come back, and what is to happen then; `until` in seconds since 1970."""

    provider: str
    return_to: str
    linking: Linking | None = None
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    # RFC 7636 section 4.1: 43 to 128 characters.
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    until: float = field(default_factory=lambda: time.time() + LIFETIME)

    def is_answered_by(self, state: str) -> bool:
        """Whether an answer with this state is the one to this request."""
        return secrets.compare_digest(self.state.encode(), state.encode())


def local(path: str | None) -> str:
    """`path` if it is one of this server's; else the start page."""
    return path if path and _LOCAL.fullmatch(path) else "/"


def seal(keys: KeyRing, flow: Flow) -> str:
    """What the browser carries."""
    # default: asyncpg's UUIDs are of a class that orjson does not know.
    said = orjson.dumps(asdict(flow), default=str).decode()
    sealed = keys.seal(said, _TABLE, _NO_ROW, flow.provider)
    return urlsafe_b64encode(sealed).decode()


def unseal(keys: KeyRing, provider: str, carried: str) -> Flow | None:
    """What it was; None for anything that we did not seal for this provider, or that is over."""
    try:
        sealed = urlsafe_b64decode(carried)
        read = orjson.loads(keys.open(sealed, _TABLE, _NO_ROW, provider))
    except (KeyRingError, ValueError, IndexError):
        return None
    linking = read.pop("linking")
    if linking:
        linking = Linking(UUID(linking["user_id"]), UUID(linking["session_id"]))
    flow = Flow(**read, linking=linking)
    return flow if flow.until > time.time() else None
