"""The playground's files over HTTP: what a browser gets, and what nobody gets."""

import gzip
import hashlib
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from app.web import playground
from app.web.headers import CONTENT_SECURITY_POLICY

PAGE = b"<!doctype html><title>p</title>"
SCRIPT = b"console.log(1)\n" * 100
FILES = {
    "index.html": PAGE,
    "main-ABCDEFG2.js": SCRIPT,
    "editor.worker.js": SCRIPT,
    "font-ABCDEFG3.woff2": b"\x00\x01",
    "style-ABCDEFG4.css": b"a{}",
}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    built = tmp_path / "built"
    built.mkdir()
    for name, content in FILES.items():
        (built / name).write_bytes(content)
    sums = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in FILES.items())
    (built / "SHA256SUMS").write_text("".join(sums))
    (tmp_path / "secret.txt").write_text("secret")
    return built


def client(root: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Starlette(routes=playground.routes(root)))
    return httpx.AsyncClient(transport=transport, base_url="http://mooring.test")


async def test_a_browser_gets_the_page_at_graphql_under_the_strict_policy(root: Path) -> None:
    async with client(root) as http:
        answer = await http.get("/graphql", headers=BROWSER)

    assert answer.status_code == 200
    assert answer.content == PAGE
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "Accept-Encoding, Accept"


def test_the_policy_allows_no_inline_script_and_no_other_origin() -> None:
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))

    assert directives["default-src"] == "'self'"
    assert "script-src" not in directives
    assert directives.pop("style-src") == "'self' 'unsafe-inline'"
    sources = {source for value in directives.values() for source in value.split()}
    assert sources == {"'self'", "'none'", "data:"}


async def test_a_program_that_gets_graphql_is_told_to_post(root: Path) -> None:
    async with client(root) as http:
        answer = await http.get("/graphql", headers={"Accept": "*/*"})

    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
    assert "POST" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("name", "media_type", "cached"),
    [
        ("main-ABCDEFG2.js", "text/javascript; charset=utf-8", "immutable"),
        ("editor.worker.js", "text/javascript; charset=utf-8", "no-cache"),
        ("style-ABCDEFG4.css", "text/css; charset=utf-8", "immutable"),
        ("font-ABCDEFG3.woff2", "font/woff2", "immutable"),
    ],
)
async def test_files_carry_their_type_and_only_hashed_names_are_kept_for_ever(
    root: Path, name: str, media_type: str, cached: str
) -> None:
    async with client(root) as http:
        answer = await http.get(f"/playground/{name}")

    assert answer.content == FILES[name]
    assert answer.headers["content-type"] == media_type
    assert cached in answer.headers["cache-control"]


async def test_a_file_that_the_browser_has_is_not_sent_again(root: Path) -> None:
    async with client(root) as http:
        first = await http.get("/playground/editor.worker.js")
        again = await http.get(
            "/playground/editor.worker.js",
            headers={"If-None-Match": f'"other", {first.headers["etag"]}'},
        )
        changed = await http.get(
            "/playground/editor.worker.js", headers={"If-None-Match": 'W/"older"'}
        )

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert changed.status_code == 200


async def test_text_is_compressed_for_who_accepts_it_and_plain_for_the_rest(root: Path) -> None:
    async with client(root) as http:
        url = "/playground/main-ABCDEFG2.js"
        async with http.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        plain = await http.get(url, headers={"Accept-Encoding": "identity"})
        font = await http.get("/playground/font-ABCDEFG3.woff2")

    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < len(SCRIPT)
    assert gzip.decompress(raw) == SCRIPT
    assert "content-encoding" not in plain.headers
    assert plain.content == SCRIPT
    assert "content-encoding" not in font.headers


@pytest.mark.parametrize(
    "path",
    [
        "/playground/../secret.txt",
        "/playground/..%2fsecret.txt",
        "/playground/%2e%2e/secret.txt",
        "/playground/%2Fetc/passwd",
        "/playground/SHA256SUMS",
        "/playground/",
        "/playground/nothing.js",
    ],
)
async def test_only_names_in_the_index_exist(root: Path, path: str) -> None:
    application = Starlette(routes=playground.routes(root))
    scope_path = httpx.URL("http://mooring.test" + path).raw_path.decode()

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://mooring.test"
    ) as http:
        answer = await http.get(scope_path)

    assert answer.status_code == 404
    assert b"secret" not in answer.content
    assert b"root:" not in answer.content


async def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        answer = await http.get("/graphql", headers=BROWSER)

    assert answer.status_code == 503
    assert "make playground" in answer.text
