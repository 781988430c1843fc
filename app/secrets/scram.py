"""What Postgres keeps of a role's password, computed here, so that it never travels in a statement.

`ALTER ROLE … PASSWORD '<password>'` shows it to pg_stat_activity, and to the server's log if the
statement fails or statements are logged. A verifier in its place is stored as it is: RFC 5802 and
7677 with PostgreSQL's spelling of them (src/common/scram-common.c, scram_build_secret).
"""

import base64
import hashlib
import hmac
import os
import unicodedata

# PostgreSQL's own default (SCRAM_SHA_256_DEFAULT_ITERATIONS).
_ITERATIONS = 4096


def verifier(password: str) -> str:
    """The verifier of SCRAM-SHA-256 for `password`, with a salt of its own."""
    salt = os.urandom(16)
    # What SASLprep (RFC 4013) makes of a password that it allows; ASCII stays as it is.
    normal = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", normal, salt, _ITERATIONS)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    server = _hmac(salted, b"Server Key")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
