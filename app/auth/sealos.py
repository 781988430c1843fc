"""Signing in from a Sealos desktop: a token that it signs with a secret that it shares with us.

HS256 alone. Who it is is `userId`: a user keeps it in every region and workspace, while userUid and
userCrUid are of one region. The token does not say whom it is for (no `aud`), so the secret has to
be one that Sealos uses for nobody else.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

import jwt

from app.domain.errors import BadVoucher
from app.domain.identities import Proof
from app.settings import Settings, SettingsError

SEALOS: Final = "SEALOS"
_ALGORITHM: Final = "HS256"
# RFC 7518 section 3.2: a key as long as the hash.
_SHORTEST: Final = 32
_LONGEST_TOKEN: Final = 16 * 1024
_CLAIMS: Final = (
    "workspaceUid",
    "workspaceId",
    "regionUid",
    "userCrUid",
    "userCrName",
    "userId",
    "userUid",
)
_LONGEST_CLAIM: Final = 255
# Seconds that the desktop's clock may be ahead of ours: it gives a token in the moment of its use.
_SKEW: Final = 60


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a good token says: who, and the namespace of the workspace that it was made in."""

    proof: Proof
    workspace: str


class Sealos:
    """Reads tokens with the secret of the settings, and with its successor or predecessor."""

    def __init__(self, settings: Settings) -> None:
        given = settings.sealos_jwt_secrets.get_secret_value()
        self._secrets = [secret for secret in map(str.strip, given.split(",")) if secret]
        if any(len(secret.encode()) < _SHORTEST for secret in self._secrets):
            raise SettingsError(f"MOORING_SEALOS_JWT_SECRETS: each has at least {_SHORTEST} bytes")

    @property
    def is_on(self) -> bool:
        """Whether there is a secret."""
        return bool(self._secrets)

    def read(self, token: str) -> Vouched:
        """What the token says; BadVoucher for one that is not good."""
        claims = self._verified(token)
        for name in _CLAIMS:
            value = claims.get(name)
            if not isinstance(value, str) or not 0 < len(value.strip()) <= _LONGEST_CLAIM:
                raise BadVoucher
        return Vouched(Proof(SEALOS, claims["userId"], claims["userCrName"]), claims["workspaceId"])

    def _verified(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST_TOKEN:
            raise BadVoucher
        for secret in self._secrets:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    secret,
                    algorithms=[_ALGORITHM],
                    options={"require": ["exp", "iat"], "verify_aud": False, "verify_iat": False},
                )
            except jwt.InvalidSignatureError:
                continue
            except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError) as error:
                raise BadVoucher from error
            _check_issued(claims["iat"])
            return claims
        raise BadVoucher


def _check_issued(at: object) -> None:
    """BadVoucher for a moment that is to come, but for what clocks differ by."""
    if not isinstance(at, int | float) or at > time.time() + _SKEW:
        raise BadVoucher
