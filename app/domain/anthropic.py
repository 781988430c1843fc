"""How sandboxes reach Anthropic's API: what a user may set, and which variables it becomes. Pure.

The variables are those that Claude Code reads (code.claude.com/docs/en/env-vars): ANTHROPIC_API_KEY
is sent as X-Api-Key, which Anthropic itself asks for, ANTHROPIC_AUTH_TOKEN as a bearer token, which
gateways do. The small model has two names, an older and a newer one.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from app.domain import limits
from app.domain.errors import InputErrorCode
from app.domain.validation import Check

BASE_URL: Final = "ANTHROPIC_BASE_URL"
API_KEY: Final = "ANTHROPIC_API_KEY"
MODEL: Final = "ANTHROPIC_MODEL"
SMALL_MODEL: Final = "ANTHROPIC_SMALL_FAST_MODEL"
SECRET: Final = frozenset({API_KEY})
# The field of the input that each setting comes from.
FIELDS: Final = {
    BASE_URL: "baseUrl",
    API_KEY: "apiKey",
    MODEL: "model",
    SMALL_MODEL: "smallModel",
}
_MOST: Final = {
    BASE_URL: limits.ANTHROPIC_URL[1],
    API_KEY: limits.ANTHROPIC_KEY[1],
    MODEL: limits.ANTHROPIC_MODEL[1],
    SMALL_MODEL: limits.ANTHROPIC_MODEL[1],
}
_VISIBLE: Final = re.compile(r"[!-~]+", re.ASCII)
_AUTH_TOKEN: Final = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - the name of a variable
_DEFAULT_HAIKU: Final = "ANTHROPIC_DEFAULT_HAIKU_MODEL"


class Apply(StrEnum):
    """When sandboxes get changed settings."""

    AT_ONCE = "AT_ONCE"
    NEXT_START = "NEXT_START"


def check(problems: Check, given: Mapping[str, str | None], *, http: bool) -> None:
    """What may be set; None clears. `http`: the operator allows addresses without TLS."""
    for key, value in given.items():
        at = (FIELDS[key],)
        if value is None:
            continue
        if not value:
            problems.refuse(InputErrorCode.REQUIRED, at, "Not empty; null clears it.")
        elif len(value) > _MOST[key]:
            problems.refuse(InputErrorCode.TOO_LONG, at, f"At most {_MOST[key]} characters.")
        elif not _VISIBLE.fullmatch(value):
            rule = "Visible characters of ASCII only, without spaces."
            problems.refuse(InputErrorCode.INVALID, at, rule)
        elif key == BASE_URL:
            _check_url(problems, value, at, http=http)


def variables(settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of a sandbox."""
    found = {key: settings[key] for key in (BASE_URL, MODEL, SMALL_MODEL) if key in settings}
    if SMALL_MODEL in settings:
        found[_DEFAULT_HAIKU] = settings[SMALL_MODEL]
    if API_KEY in settings:
        found[API_KEY if _is_anthropic(settings.get(BASE_URL)) else _AUTH_TOKEN] = settings[API_KEY]
    return found


def _is_anthropic(url: str | None) -> bool:
    host = "" if url is None else urlsplit(url).hostname or ""
    return url is None or host == "anthropic.com" or host.endswith(".anthropic.com")


def _check_url(problems: Check, value: str, at: tuple[str, ...], *, http: bool) -> None:
    try:
        url = urlsplit(value)
        whole = bool(url.hostname) and url.port != 0
    except ValueError:
        whole = False
    if not whole or url.scheme not in ("https", "http"):
        problems.refuse(InputErrorCode.INVALID, at, "Write it as https://host/path.")
    elif url.username is not None or url.query or url.fragment:
        rule = "No user, password, query or fragment in it."
        problems.refuse(InputErrorCode.INVALID, at, rule)
    elif url.scheme == "http" and not http:
        problems.refuse(InputErrorCode.NOT_ALLOWED, at, "Only https is allowed here.")
