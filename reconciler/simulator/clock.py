"""Timestamps as Kubernetes writes them: UTC, whole seconds."""

from datetime import UTC, datetime, timedelta


def now(ahead: float = 0) -> str:
    """Now, or `ahead` seconds later."""
    return (datetime.now(UTC) + timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")
