"""What `mooring dev` asks its own API: is it ready, and the ready-made sign-in."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

# Proxy variables of the machine are for the world outside, not for our own child.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { credentials { __typename } } }"
_SIGN_UP = (
    "mutation ($i: SignUpInput!) "
    "{ signUp(input: $i) { credentials { __typename } errors { message } } }"
)


def is_ready(base: str) -> bool:
    """Whether the API at `base` says that it can serve."""
    try:
        with _DIRECT.open(f"{base}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ensure_user(base: str, login: str, password: str) -> bool:
    """Make the user if he is not there; False when he is, with another password."""
    who = {"login": login, "password": password}
    return _works(base, "signIn", _SIGN_IN, who) or _works(base, "signUp", _SIGN_UP, who)


def _works(base: str, field: str, document: str, who: dict[str, str]) -> bool:
    payload = (_ask(base, document, {"i": who}).get("data") or {}).get(field) or {}
    return bool(payload.get("credentials"))


def _ask(base: str, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({"query": document, "variables": variables}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own http address
        f"{base}/graphql", body, {"Content-Type": "application/json"}
    )
    try:
        with _DIRECT.open(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return {}
    return found
