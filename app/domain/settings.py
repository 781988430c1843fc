"""What a user configures for himself: categories and keys, and the state of a kubeconfig. Pure."""

import re
from enum import StrEnum
from typing import Final

from app.domain import limits
from app.domain.errors import InputErrorCode
from app.domain.validation import Check


class Category(StrEnum):
    """What a setting is about."""

    ANTHROPIC_API = "anthropic-api"
    KC = "kc"
    GITHUB = "github"
    GENERAL = "general"


class CredentialState(StrEnum):
    """What the reconciler found out about a kubeconfig."""

    CHECKING = "CHECKING"
    READY = "READY"
    REFUSED = "REFUSED"


# Those that have a mutation of their own, which knows what they have to be.
TYPED: Final = {
    Category.ANTHROPIC_API: "setAnthropicSettings",
    Category.KC: "setKubeconfig",
}
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_TAKEN: Final = re.compile(r"ANTHROPIC_.*|KUBECONFIG", re.ASCII | re.IGNORECASE)


def check_setting(check: Check, key: str, category: Category | None) -> None:
    """A name and a category that a user may choose freely."""
    most = limits.SETTING_KEY[1]
    if not key:
        check.refuse(InputErrorCode.REQUIRED, ("key",), f"Give 1 to {most} characters.")
    elif len(key) > most:
        check.refuse(InputErrorCode.TOO_LONG, ("key",), f"At most {most} characters.")
    elif not _KEY.fullmatch(key):
        rule = "Use A-Z, a-z, 0-9, _, . and -, beginning with a letter or _."
        check.refuse(InputErrorCode.INVALID, ("key",), rule)
    elif _TAKEN.fullmatch(key):
        rule = f"{key} is set by {' or '.join(TYPED.values())}."
        check.refuse(InputErrorCode.NOT_ALLOWED, ("key",), rule)
    if category in TYPED:
        rule = f"Settings of this category are set by {TYPED[category]}."
        check.refuse(InputErrorCode.NOT_ALLOWED, ("category",), rule)
