"""The same SQL without GraphQL: two routes, our statements, orjson."""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.tokens import Tokens
from app.db import accounts, project_pages, projects
from app.db.project_pages import Listing
from app.db.projects import ProjectRow
from app.db.rows import Executor
from app.db.sandboxes import SANDBOXES, SandboxRow
from app.db.session import Database
from app.domain import ids
from app.domain.ids import NodeType
from app.domain.pages import Window
from app.domain.viewer import API, Viewer
from app.settings import Settings


def create_app(settings: Settings) -> Starlette:
    """GET /projects?first=n and GET /project/id, in the form of the GraphQL answer."""
    url, _ = settings.postgres()
    database = Database(url, pool=settings.database_pool)
    tokens = Tokens(settings.token_keys.get_secret_value())

    async def viewer(request: Request) -> Viewer:
        claims = tokens.read_access(request.headers["authorization"].removeprefix("Bearer "))
        async with database.read(API) as connection:
            return await accounts.viewer(connection, claims.user_id, claims.session_id)

    async def listing(request: Request) -> Response:
        asking = await viewer(request)
        async with database.read(asking) as connection:
            window = Window(int(request.query_params["first"]))
            page = await project_pages.page(connection, asking, Listing(), window)
            nodes = await _with_children(connection, asking, page.items)
        return _answer({"projects": {"nodes": nodes}})

    async def one(request: Request) -> Response:
        found = ids.decode(request.path_params["id"])
        assert found is not None
        asking = await viewer(request)
        async with database.read(asking) as connection:
            rows = await projects.by_ids(connection, asking, [found[1]])
            [node] = await _with_children(connection, asking, rows)
        return _answer({"project": node})

    return Starlette(routes=[Route("/projects", listing), Route("/project/{id}", one)])


async def _with_children(
    executor: Executor, viewer: Viewer, rows: Sequence[ProjectRow]
) -> list[dict[str, Any]]:
    nodes = {row.id: _project(row) for row in rows}
    for child in await SANDBOXES.of_projects(executor, viewer, list(nodes)):
        nodes[child.project_id]["sandboxes"].append(_sandbox(child))
    return list(nodes.values())


def _project(row: ProjectRow) -> dict[str, Any]:
    return {
        "id": ids.encode(NodeType.PROJECT, row.id),
        "name": row.name,
        "description": row.description,
        "githubRepo": row.github_repo,
        "status": row.status,
        "generation": row.generation,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "sandboxes": [],
    }


def _sandbox(row: SandboxRow) -> dict[str, Any]:
    return {
        "id": ids.encode(NodeType.SANDBOX, row.id),
        "name": row.name,
        "status": row.status,
        "desiredState": row.desired_state,
        "generation": row.generation,
        "observedGeneration": row.observed_generation,
        "k8sNamespace": row.k8s_namespace,
        "k8sName": row.k8s_name,
        "publicUrl": row.public_url,
        "ttydUrl": row.ttyd_url,
        "image": row.image,
        "cpu": row.cpu,
        "memory": row.memory,
        "storage": row.storage,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def _answer(data: dict[str, Any]) -> Response:
    return Response(orjson.dumps({"data": data}), media_type="application/json")
