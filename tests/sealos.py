"""Tokens as a Sealos desktop signs them."""

import time
from typing import Any

import jwt

OLD, NEW = "o" * 32, "n" * 32


def claims() -> dict[str, Any]:
    """What a good token says; None as a value leaves a claim out."""
    now = int(time.time())
    return {
        "workspaceUid": "5f0c",
        "workspaceId": "ns-ada",
        "regionUid": "r-1",
        "userCrUid": "cr-uid",
        "userCrName": "ada-cr",
        "userId": "ada-id",
        "userUid": "ada-uid",
        "iat": now,
        "exp": now + 300,
    }


def signed(secret: str = OLD, algorithm: str = "HS256", **other: Any) -> str:
    """A token with these claims in place of the good ones."""
    said = {name: value for name, value in (claims() | other).items() if value is not None}
    return jwt.encode(said, secret, algorithm)
