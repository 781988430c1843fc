"""The two tokens of a session: HS256 JWTs (RFC 7519), each good for its own purpose alone.

An access token names a user and a session and is shown with every request; a refresh token names
the session and how often it was renewed, and is good for a new pair alone. Type, audience and
issuer are checked of both (RFC 8725, sections 3.8 to 3.11), the algorithm is never the token's to
choose, and `kid` chooses among our own keys: the newest signs, all are good, so a key is changed
without signing anybody out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import jwt

from app.domain.errors import Unauthenticated
from app.domain.sessions import Presented
from app.settings import SettingsError

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "mooring"
# RFC 9068 section 2.1 names the type of access tokens; for the other there is none.
_ACCESS: Final = ("at+jwt", "mooring-api")
_REFRESH: Final = ("mooring-refresh+jwt", "mooring-refresh")
_REQUIRED: Final = ("sub", "sid", "iss", "aud", "iat", "exp")
_SHORTEST_KEY: Final = 32
# Seconds that the clocks of two API processes may differ by.
_SKEW: Final = 60
# A bearer is at most this long: ours are 400 characters.
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a good access token says."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


def signing_keys(text: str) -> Mapping[str, str]:
    """The keys in MOORING_TOKEN_KEYS, newest first; SettingsError for what is none."""
    keys: dict[str, str] = {}
    for item in filter(None, text.split(",")):
        name, separator, key = (part.strip() for part in item.partition(":"))
        if not (name and separator) or len(key) < _SHORTEST_KEY or name in keys:
            # Neither key nor name is repeated: whoever forgot the name has put the key there.
            raise SettingsError(
                "MOORING_TOKEN_KEYS: id:key with at least 32 characters in each key, newest first,"
                " by comma, no id twice"
            )
        keys[name] = key
    if not keys:
        raise SettingsError(
            "MOORING_TOKEN_KEYS is not set: give id:key, the key at least 32 random characters,"
            " the same for every API"
        )
    return keys


class Tokens:
    """Makes and reads tokens with the keys of this installation."""

    def __init__(self, keys: str) -> None:
        self._keys = signing_keys(keys)

    def access(self, claims: AccessClaims) -> str:
        """A new access token."""
        return self._sealed(_ACCESS, claims.user_id, claims.session_id, claims.expires_at)

    def refresh(self, claims: Presented, expires_at: datetime) -> str:
        """A new refresh token."""
        rotation = {"rot": claims.rotation}
        return self._sealed(_REFRESH, claims.user_id, claims.session_id, expires_at, rotation)

    def read_access(self, token: str) -> AccessClaims:
        """What the token says; Unauthenticated with reason EXPIRED or MALFORMED."""
        claims = self._read(_ACCESS, token)
        ends = datetime.fromtimestamp(claims["exp"], UTC)
        return AccessClaims(UUID(claims["sub"]), UUID(claims["sid"]), ends)

    def read_refresh(self, token: str) -> Presented:
        """What the token says; Unauthenticated with reason EXPIRED or MALFORMED."""
        claims = self._read(_REFRESH, token)
        rotation = claims.get("rot")
        if type(rotation) is not int:
            raise Unauthenticated(reason="MALFORMED")
        return Presented(UUID(claims["sub"]), UUID(claims["sid"]), rotation)

    def _sealed(
        self,
        kind: tuple[str, str],
        user_id: UUID,
        session_id: UUID,
        expires_at: datetime,
        more: Mapping[str, object] | None = None,
    ) -> str:
        typ, audience = kind
        name, key = next(iter(self._keys.items()))
        claims = {
            "sub": str(user_id),
            "sid": str(session_id),
            "iss": _ISSUER,
            "aud": audience,
            "iat": datetime.now(UTC),
            "exp": expires_at,
            **(more or {}),
        }
        return jwt.encode(claims, key, _ALGORITHM, headers={"kid": name, "typ": typ})

    def _read(self, kind: tuple[str, str], token: str) -> dict[str, Any]:
        typ, audience = kind
        try:
            if len(token) > _LONGEST:
                raise jwt.DecodeError("too long")
            header = jwt.get_unverified_header(token)
            if header.get("typ") != typ or "crit" in header:
                raise jwt.DecodeError("another kind of token")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys[header["kid"]],
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=_ISSUER,
                options={"require": list(_REQUIRED), "strict_aud": True, "verify_iat": False},
            )
            _check_values(claims)
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated(reason="EXPIRED") from error
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unauthenticated(reason="MALFORMED") from error
        return claims


def _check_values(claims: Mapping[str, Any]) -> None:
    """ValueError or the like for a claim that is not of the form that ours have."""
    if not isinstance(claims["sid"], str):
        raise TypeError("a session's id is text")
    UUID(claims["sub"])
    UUID(claims["sid"])
    datetime.fromtimestamp(claims["exp"], UTC)
    if claims["iat"] > datetime.now(UTC).timestamp() + _SKEW:
        raise ValueError("issued in the future")
