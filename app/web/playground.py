"""The playground: GraphiQL at `GET /graphql`, from files that we built and committed.

The build (`playground/`, `make playground`) leaves files and a SHA256SUMS in `static/playground`
beside this module, where a checkout and an installed image both have them. SHA256SUMS is the whole
directory: a name that is not in it does not exist, so no path from a request ever reaches the disk,
and each file's hash is its ETag.
"""

import asyncio
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.web.headers import PAGE_HEADERS

BUILT: Final = Path(__file__).parent / "static" / "playground"

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}

# esbuild's own form: name, dash, eight characters of base 32. Such a name never changes content.
_HASHED_NAME: Final = re.compile(r"-[A-Z2-7]{8}\.\w+$")


@dataclass(frozen=True, slots=True)
class Asset:
    """One built file: where it is, and what its headers say."""

    path: Path
    media_type: str
    etag: str
    immutable: bool

    @property
    def compressible(self) -> bool:
        return self.path.suffix != ".woff2"


def read_index(root: Path) -> Mapping[str, Asset]:
    """The files that SHA256SUMS in `root` names, by name; empty when nothing was built."""
    sums = root / "SHA256SUMS"
    if not sums.is_file():
        return {}
    lines = (line.split("  ", 1) for line in sums.read_text().splitlines())
    return {name: _asset(root, digest, name) for digest, name in lines}


def _asset(root: Path, digest: str, name: str) -> Asset:
    return Asset(
        path=root / name,
        media_type=MEDIA_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream"),
        # Weak, because the compressed and the plain answer share it.
        etag=f'W/"{digest[:32]}"',
        immutable=_HASHED_NAME.search(name) is not None,
    )


class Playground:
    """The endpoints. Compresses each file once per process, when it is first asked for."""

    def __init__(self, root: Path = BUILT) -> None:
        self._assets = read_index(root)
        self._gzipped: dict[str, bytes] = {}

    async def page(self, request: Request) -> Response:
        """`GET /graphql`: the page for a browser; for a program how to send an operation."""
        if "text/html" not in request.headers.get("accept", ""):
            return _post_instead()
        response = await self._serve(request, "index.html")
        response.headers.add_vary_header("Accept")
        return response

    async def asset(self, request: Request) -> Response:
        """`GET /playground/…`: what the page loads."""
        return await self._serve(request, request.path_params["name"])

    async def _serve(self, request: Request, name: str) -> Response:
        asset = self._assets.get(name)
        if asset is None:
            return self._missing()
        headers = _headers(asset)
        if _has_it(request, asset):
            return Response(status_code=304, headers=headers)
        if asset.compressible and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(await self._gzip(name, asset), headers=headers)
        return Response(await asyncio.to_thread(asset.path.read_bytes), headers=headers)

    async def _gzip(self, name: str, asset: Asset) -> bytes:
        if name not in self._gzipped:
            self._gzipped[name] = await asyncio.to_thread(_compress, asset.path)
        return self._gzipped[name]

    def _missing(self) -> Response:
        if self._assets:
            text = (
                "The playground has no such file. Open /graphql, or reload it after an upgrade.\n"
            )
            return PlainTextResponse(text, 404, headers=PAGE_HEADERS)
        text = (
            "The playground is not built here. Run `make playground`, then start Mooring again.\n"
        )
        return PlainTextResponse(text, 503, headers=PAGE_HEADERS)


def _compress(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)


def _headers(asset: Asset) -> dict[str, str]:
    forever = "public, max-age=31536000, immutable"
    return {
        **PAGE_HEADERS,
        "Content-Type": asset.media_type,
        "ETag": asset.etag,
        "Cache-Control": forever if asset.immutable else "no-cache",
        "Vary": "Accept-Encoding",
    }


def _has_it(request: Request, asset: Asset) -> bool:
    known = request.headers.get("if-none-match", "").split(",")
    return asset.etag in (tag.strip() for tag in known)


def _post_instead() -> Response:
    message = (
        "Send GraphQL operations as POST with a JSON body to this address; "
        "open it in a browser for the playground."
    )
    error = {"message": message, "extensions": {"code": "BAD_REQUEST"}}
    headers = {**PAGE_HEADERS, "Allow": "GET, HEAD, POST", "Vary": "Accept"}
    return JSONResponse({"errors": [error]}, status_code=405, headers=headers)


def routes(root: Path = BUILT) -> list[Route]:
    """`GET /graphql` and `GET /playground/…`. POST /graphql and the websocket are app.graphql's."""
    playground = Playground(root)
    return [
        Route("/graphql", playground.page, methods=["GET"], name="playground"),
        Route("/playground/{name:path}", playground.asset, methods=["GET"]),
    ]
