"""Access tokens: HS256 JWTs (RFC 7519) that name a user, an issuer, an audience and an end."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from app.domain.errors import Unauthenticated
from app.settings import SettingsError

_ALGORITHM = "HS256"
_ISSUER = "mooring"
_AUDIENCE = "mooring-api"
_SHORTEST_KEY = 32


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says."""

    user_id: UUID
    expires_at: datetime


class Tokens:
    """Makes and reads tokens with the key of this installation."""

    def __init__(self, key: str, lifetime: float) -> None:
        if len(key) < _SHORTEST_KEY:
            raise SettingsError("MOORING_TOKEN_KEY: at least 32 characters, the same for every API")
        self._key = key
        self._lifetime = timedelta(seconds=lifetime)

    def issue(self, user_id: UUID) -> tuple[str, datetime]:
        """A new token and its end."""
        now = datetime.now(UTC).replace(microsecond=0)
        claims = {
            "sub": str(user_id),
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": now + self._lifetime,
        }
        return jwt.encode(claims, self._key, _ALGORITHM), now + self._lifetime

    def read(self, token: str) -> Claims:
        """What the token says; Unauthenticated with reason EXPIRED or MALFORMED."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
            return Claims(UUID(claims["sub"]), datetime.fromtimestamp(claims["exp"], UTC))
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated(reason="EXPIRED") from error
        except (jwt.InvalidTokenError, ValueError, OverflowError) as error:
            raise Unauthenticated(reason="MALFORMED") from error
