"""Names that users give, and the names of Kubernetes objects made from them.

An object's name is made once, with the intent, and kept in the row: after a crash the reconciler
meets its own objects again (kubernetes.md section 1). Everything else derives from it.
"""

import re
import secrets
import string
import unicodedata

SLUG_LENGTH = 20
_RANDOM_LENGTH = 8


def slug(name: str) -> str:
    """`name` as a DNS label of at most 20 characters that begins with a letter; never empty."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    dashed = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
    if dashed and not dashed[0].isalpha():
        dashed = f"p-{dashed}"
    return dashed[:SLUG_LENGTH].rstrip("-") or "project"


def folded(text: str) -> str:
    """`text` without regard to case, as it is ordered by and searched in.

    Full case folding (Unicode 3.13, rule D144) over NFC: ß is ss, and a final sigma a sigma. Kept
    in rows, so that order and search are the same whatever the locale of the server.
    """
    return unicodedata.normalize("NFC", text).casefold()


def object_name(project_name: str) -> str:
    """A new name for a resource's main object, at most 29 characters: the slug and 8 random a-z."""
    random = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_RANDOM_LENGTH))
    return f"{slug(project_name)}-{random}"


def namespace_name(prefix: str, login: str) -> str:
    """A new name for the namespace of `login`'s account, at most 62 characters."""
    return f"{prefix}-{object_name(login)}"


def slug_of(object_name: str) -> str:
    """The slug inside an object's name."""
    return object_name[: -_RANDOM_LENGTH - 1]
