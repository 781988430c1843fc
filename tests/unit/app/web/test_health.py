"""Liveness and readiness, with checks that do well, badly, raise and hang."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from app.db.readiness import Check
from app.web import health


async def fine() -> str | None:
    return None


async def behind() -> str | None:
    return "The schema is behind. Run `mooring migrate`."


async def broken() -> str | None:
    raise ConnectionRefusedError("postgres://owner@db.internal refused")


async def hanging() -> str | None:
    await asyncio.Event().wait()
    return None


async def get(path: str, checks: dict[str, Check], patience: float = 60) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=health.routes(checks, patience)))
    async with httpx.AsyncClient(transport=transport, base_url="http://mooring.test") as http:
        return await http.get(path)


async def test_alive_whatever_the_checks_say() -> None:
    answer = await get("/healthz", {"postgres": broken, "migrations": hanging})

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_when_no_check_finds_anything() -> None:
    answer = await get("/readyz", {"postgres": fine, "migrations": fine})

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"postgres": "ok", "migrations": "ok"},
    }


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (behind, "The schema is behind. Run `mooring migrate`."),
        (broken, "ConnectionRefusedError. See that postgres is up; this process's log says more."),
        (hanging, "No answer within 0.05 s. See that postgres is up and reachable from here."),
    ],
)
async def test_unready_names_what_is_wrong_and_what_is_not(check: Check, told: str) -> None:
    answer = await get("/readyz", {"postgres": check, "migrations": fine}, patience=0.05)

    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "checks": {"postgres": told, "migrations": "ok"}}


async def test_the_text_of_an_error_stays_in_the_log() -> None:
    answer = await get("/readyz", {"postgres": broken})

    assert "db.internal" not in answer.text


async def test_a_check_that_is_slow_to_give_up_does_not_hold_the_answer() -> None:
    released = asyncio.Event()

    async def stubborn() -> str | None:
        try:
            await asyncio.Event().wait()
        finally:
            await released.wait()
        return None

    answer = await asyncio.wait_for(get("/readyz", {"postgres": stubborn}, patience=0.05), 60)
    released.set()

    assert answer.status_code == 503
