"""The reconciler's health page: alive whatever happens, ready when it can work."""

import socket

import aiohttp

from app.db.readiness import Check
from reconciler.health import served


async def fine() -> str | None:
    return None


async def behind() -> str | None:
    return "The schema is behind. Run `mooring migrate`."


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def statuses(checks: dict[str, Check]) -> tuple[int, int, object]:
    """Of /healthz and /readyz, and what the latter says."""
    port = free_port()
    async with served("127.0.0.1", port, checks), aiohttp.ClientSession() as http:
        base = f"http://127.0.0.1:{port}"
        async with http.get(f"{base}/healthz") as alive, http.get(f"{base}/readyz") as ready:
            return alive.status, ready.status, await ready.json()


async def test_it_is_ready_when_no_check_finds_anything() -> None:
    assert await statuses({"postgres": fine}) == (
        200,
        200,
        {"status": "ready", "checks": {"postgres": "ok"}},
    )


async def test_it_is_alive_and_says_what_keeps_it_from_working() -> None:
    alive, ready, said = await statuses({"postgres": fine, "migrations": behind})

    assert (alive, ready) == (200, 503)
    assert "mooring migrate" in str(said)


async def test_without_a_port_it_serves_nothing() -> None:
    async with served("127.0.0.1", None, {}):
        pass
