"""Encryption of values at rest: AES-256-GCM under the newest key, any known key for reading.

A sealed value is version | key id length | key id | 12 random bytes | ciphertext and tag. Table,
row and column are bound to it as associated data, so that a value copied to another place does not
decrypt. Both processes hold the ring; nothing is ever logged from here.
"""

import base64
import binascii
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.settings import SettingsError

_VERSION = 1
_NONCE = 12
_TAG = 16
_SHORTEST = 3 + _NONCE + _TAG


class KeyRingError(Exception):
    """A sealed value cannot be opened; the message says which and never the content."""


class KeyRing:
    """The keys of `MOORING_SECRET_KEYS`, newest first: `id:base64 of 32 bytes`, by comma."""

    def __init__(self, setting: str) -> None:
        parsed = [_parse(entry) for entry in setting.split(",") if entry.strip()]
        self._keys = dict(parsed)
        if len(self._keys) < len(parsed):
            raise SettingsError("MOORING_SECRET_KEYS has an id twice: give each key its own")
        if not self._keys:
            raise SettingsError("MOORING_SECRET_KEYS is empty: give id:base64 of 32 random bytes")
        self._newest = next(iter(self._keys))

    @property
    def newest(self) -> str:
        """The id of the key that seals."""
        return self._newest

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of all keys, newest first."""
        return tuple(self._keys)

    def seal(self, value: str, table: str, row: UUID, column: str) -> bytes:
        """`value` encrypted for one place."""
        nonce = secrets.token_bytes(_NONCE)
        name = self._newest.encode()
        sealed = self._keys[self._newest].encrypt(nonce, value.encode(), _place(table, row, column))
        return bytes((_VERSION, len(name))) + name + nonce + sealed

    def open(self, sealed: bytes, table: str, row: UUID, column: str) -> str:
        """The value sealed for this place; KeyRingError for another's, or when the key is gone."""
        if len(sealed) < _SHORTEST or sealed[0] != _VERSION:
            raise KeyRingError(f"{table}.{column} of {row} is no sealed value")
        start = 2 + sealed[1]
        name = sealed[2:start].decode(errors="replace")
        key = self._keys.get(name)
        if key is None:
            raise KeyRingError(f"{table}.{column} needs the key {name!r} in MOORING_SECRET_KEYS")
        try:
            place = _place(table, row, column)
            return key.decrypt(
                sealed[start : start + _NONCE], sealed[start + _NONCE :], place
            ).decode()
        except (InvalidTag, ValueError) as error:
            raise KeyRingError(
                f"{table}.{column} of {row} was not sealed for this place"
            ) from error


def _parse(entry: str) -> tuple[str, AESGCM]:
    name, _, encoded = entry.strip().partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
        if not name or len(name) > 32 or len(key) != 32:
            raise ValueError
    except (binascii.Error, ValueError) as error:
        raise SettingsError(
            "MOORING_SECRET_KEYS: each is id:base64 of exactly 32 bytes, ids up to 32 characters"
        ) from error
    return name, AESGCM(key)


def _place(table: str, row: UUID, column: str) -> bytes:
    return f"{table}\0{row}\0{column}".encode()
