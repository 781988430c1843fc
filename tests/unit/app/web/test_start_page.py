"""The start page says where things are, and loads nothing."""

import re

import httpx
from starlette.applications import Starlette

from app.web import start
from app.web.headers import CONTENT_SECURITY_POLICY


async def page(base_url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=start.routes()))
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as http:
        return await http.get("/", headers=headers)


async def test_it_names_every_address_as_the_visitor_reached_us() -> None:
    answer = await page("http://127.0.0.1:8001")

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    for address in (
        "POST http://127.0.0.1:8001/graphql",
        "ws://127.0.0.1:8001/graphql",
        "http://127.0.0.1:8001/healthz",
        "http://127.0.0.1:8001/readyz",
        "graphql-transport-ws",
    ):
        assert address in answer.text


async def test_behind_tls_the_websocket_is_wss() -> None:
    answer = await page("https://mooring.example")

    assert "wss://mooring.example/graphql" in answer.text
    assert "http://mooring.example" not in answer.text


async def test_it_loads_nothing_and_links_only_to_itself() -> None:
    answer = await page("http://mooring.test")

    assert "<script" not in answer.text
    assert set(re.findall(r'(?:href|src)="([^"]*)"', answer.text)) == {
        "data:,",
        "graphql",
        "healthz",
        "readyz",
    }


async def test_a_forged_host_is_text_and_no_markup() -> None:
    answer = await page("http://mooring.test", {"Host": 'x"><script>alert(1)</script>'})

    assert "<script" not in answer.text
