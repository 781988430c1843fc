"""Fields of objects as an API server gives them: any may be missing, null or of a later shape.

A reading that raises would hide a resource for ever, so what is not as expected reads as nothing.
"""

from datetime import UTC, datetime
from typing import Any

from reconciler.manifests.kinds import Object


def field(body: object, *path: str) -> Any:
    """The value at `path`, or None."""
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def text(body: object, *path: str) -> str:
    """The text at `path`, or ""."""
    found = field(body, *path)
    return found if isinstance(found, str) else ""


def number(body: object, *path: str, default: int = 0) -> int:
    """The whole number at `path`, or `default`."""
    found = field(body, *path)
    return found if isinstance(found, int) else default


def part(body: object, *path: str) -> Object:
    """The object at `path`, or an empty one."""
    found = field(body, *path)
    return found if isinstance(found, dict) else {}


def parts(body: object, *path: str) -> list[Object]:
    """The objects in the list at `path`."""
    found = field(body, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def time(body: object, *path: str) -> datetime | None:
    """The time at `path`, RFC 3339 as in metav1.Time."""
    try:
        found = datetime.fromisoformat(text(body, *path))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def title(kind: str, body: object) -> str:
    """An object as users read it, `Kind/name`; items of a list do not carry their kind."""
    return f"{kind}/{text(body, 'metadata', 'name')}"


def condition(body: object, kind: str) -> Object:
    """The condition of this type, or an empty one."""
    return next((c for c in parts(body, "status", "conditions") if c.get("type") == kind), {})


def is_deleting(body: object) -> bool:
    """Whether its deletion was asked for."""
    return field(body, "metadata", "deletionTimestamp") is not None
