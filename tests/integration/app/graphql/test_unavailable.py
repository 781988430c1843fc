"""What is answered while Postgres cannot serve: that, and when to come again."""

from typing import Any

import httpx
import pytest

from app.domain.viewer import API, Viewer
from tests.integration.app.db.test_black_holes import through
from tests.integration.app.graphql.serving import GRAPHQL, Api, served
from tests.integration.world import becomes, viewer_of

CREATE = 'mutation { createProject(input: {name: "shop"}) { project { name } } }'
LIST = "{ projects { totalCount } }"
EXTENSIONS = {"code": "UNAVAILABLE", "retryAfter": 2}
QUICK: dict[str, Any] = {"database_pool": 2, "database_timeout": 0.2}


async def asked(api: Api, viewer: Viewer, document: str) -> httpx.Response:
    return await api.post({"query": document}, api.token(viewer), accept=GRAPHQL)


async def served_again(api: Api, viewer: Viewer, document: str) -> Any:
    """The JSON of what whoever comes again gets at last: on a busy machine the short patience of
    these processes ends for other reasons too."""
    answer: Any = None

    async def there() -> bool:
        nonlocal answer
        answer = (await asked(api, viewer, document)).json()
        return EXTENSIONS not in [error["extensions"] for error in answer.get("errors", [])]

    await becomes(there)
    return answer


def is_later(answer: httpx.Response) -> None:
    """It is said that the same may succeed later, in every way that there is."""
    [error] = answer.json()["errors"]
    assert error["extensions"] == EXTENSIONS
    assert "retryAfter" in error["message"]
    assert answer.headers["retry-after"] == "2"


async def test_a_mutation_that_gets_no_connection_of_the_pool_may_come_again(url: str) -> None:
    async with served(url, **QUICK) as api:
        viewer, pool = await viewer_of(api.database), api.state.database
        async with pool.snapshot(API), pool.snapshot(API):
            later = await asked(api, viewer, CREATE)
        made = await served_again(api, viewer, CREATE)

    is_later(later)
    assert later.json()["data"] == {"createProject": None}
    assert made["data"] == {"createProject": {"project": {"name": "shop"}}}


async def test_a_request_that_cannot_be_judged_is_not_begun(url: str) -> None:
    async with served(url, **QUICK) as api:
        viewer, pool = await viewer_of(api.database), api.state.database
        async with pool.read(API):
            later = await asked(api, viewer, LIST)
            cookie = {"authorization": f"Bearer {api.token(viewer)}"}
            beside = await api.http.get("/audit.jsonl", headers=cookie)
        found = await served_again(api, viewer, LIST)

    is_later(later)
    is_later(beside)
    assert (later.status_code, beside.status_code) == (503, 503)
    assert found == {"data": {"projects": {"totalCount": 0}}}


@pytest.mark.parametrize("how", ["cut", "hole"])
async def test_so_may_what_found_postgres_away(url: str, how: str) -> None:
    async with through(url) as (proxy, there), served(there, **QUICK) as api:
        viewer = await viewer_of(api.database)
        before = await served_again(api, viewer, LIST)
        if how == "hole":
            proxy.hole = True
        else:
            proxy.closed = True
            proxy.cut()
        later = await asked(api, viewer, LIST)
        proxy.closed = proxy.hole = False
        after = await served_again(api, viewer, LIST)

    is_later(later)
    assert before == after == {"data": {"projects": {"totalCount": 0}}}
