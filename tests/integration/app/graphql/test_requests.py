"""Requests that are not what they should be, sent by a real client: each gets its code, nothing
changes, and nothing internal is told."""

import json
from collections.abc import AsyncIterator
from typing import Any

from app.domain.viewer import API
from tests.integration.app.graphql.serving import GRAPHQL, JSON, Api, served
from tests.integration.world import viewer_of

CREATE = 'mutation { createProject(input: {name: "x"}) { project { id } } }'
SIGN_UP = 'mutation { signUp(input: {login: "eve", password: "%s"}) { errors { code } } }'
INTERNAL = ("Traceback", "sqlalchemy", "asyncpg", "graphql-core", "strawberry", "/app/", ".py")

MALFORMED: dict[str, tuple[bytes, dict[str, str], int]] = {
    "empty": (b"", {}, 400),
    "a number": (b"5", {}, 400),
    "a string": (b'"x"', {}, 400),
    "null": (b"null", {}, 400),
    "no batch": (b"[]", {}, 400),
    "a batch": (json.dumps([{"query": CREATE}]).encode(), {}, 400),
    "cut off": (b'{"query": "{ me', {}, 400),
    "not JSON": (b"query { me { id } }", {}, 400),
    "NaN": (b'{"query": "{__typename}", "variables": {"a": NaN}}', {}, 400),
    "not UTF-8": (b'{"query": "{ __typename }", "operationName": "\xff"}', {}, 400),
    "UTF-16": (json.dumps({"query": CREATE}).encode("utf-16"), {}, 400),
    "half a character": (b'{"query": "{ __typename }", "operationName": "\\ud800"}', {}, 400),
    "20,000 lists deep": (b'{"query":' + b"[" * 20_000, {}, 400),
    "no query": (b"{}", {}, 400),
    "query null": (b'{"query": null}', {}, 400),
    "query a list": (b'{"query": ["{ me { id } }"]}', {}, 400),
    "a stored query": (b'{"extensions": {"persistedQuery": {"version": 1}}}', {}, 400),
    "variables a list": (json.dumps({"query": CREATE, "variables": []}).encode(), {}, 400),
    "variables a string": (json.dumps({"query": CREATE, "variables": "{}"}).encode(), {}, 400),
    "extensions a number": (json.dumps({"query": CREATE, "extensions": 1}).encode(), {}, 400),
    "name a number": (json.dumps({"query": CREATE, "operationName": 1}).encode(), {}, 400),
    "a form": (
        b"query=%7Bme%7Bid%7D%7D",
        {"content-type": "application/x-www-form-urlencoded"},
        415,
    ),
    "a page's form": (b"", {"content-type": "multipart/form-data; boundary=x"}, 415),
    "text": (json.dumps({"query": CREATE}).encode(), {"content-type": "text/plain"}, 415),
    "GraphQL": (CREATE.encode(), {"content-type": "application/graphql"}, 415),
    "no type": (json.dumps({"query": CREATE}).encode(), {"content-type": ""}, 415),
    "latin": (b"{}", {"content-type": "application/json; charset=latin-1"}, 415),
    "compressed": (b"\x1f\x8b\x08\x00", {"content-encoding": "gzip"}, 400),
    "wants a page": (json.dumps({"query": CREATE}).encode(), {"accept": "text/html"}, 406),
    "wants nothing": (json.dumps({"query": CREATE}).encode(), {"accept": "*/*;q=0"}, 406),
    "wants no stream": (
        b'{"query": "subscription { projectsChanged { kind } }"}',
        {"accept": f"{JSON}, {GRAPHQL}"},
        406,
    ),
}

DOCUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({"query": ""}, "BAD_REQUEST"),
    "a comment": ({"query": "# nothing"}, "BAD_REQUEST"),
    "NUL": ({"query": "\0"}, "BAD_REQUEST"),
    "cut off": ({"query": "mutation {"}, "BAD_REQUEST"),
    "a schema": ({"query": "type A { a: Int }"}, "BAD_REQUEST"),
    "an unknown field": ({"query": "mutation { dropProject }"}, "BAD_REQUEST"),
    "an unknown name": ({"query": CREATE, "operationName": "Other"}, "BAD_REQUEST"),
    "two operations": ({"query": "query A { me { id } } query B { me { id } }"}, "BAD_REQUEST"),
    "a variable too few": (
        {"query": "mutation ($i: SignUpInput!) { signUp(input: $i) { errors { code } } }"},
        "BAD_REQUEST",
    ),
    "a variable of another type": (
        {"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": {"id": {"a": [1]}}},
        "BAD_REQUEST",
    ),
    "a circle": (
        {"query": "fragment a on User {...b} fragment b on User {...a} {me {...a}}"},
        "BAD_REQUEST",
    ),
    "too many tokens": (
        {"query": "mutation {" + "".join(f"a{n}:{SIGN_UP[10:-1]} " for n in range(1000)) + "}"},
        "TOO_COMPLEX",
    ),
    "too long": ({"query": SIGN_UP % ("x" * 60_000)}, "TOO_COMPLEX"),
    "too deep": ({"query": "{me" + "{a" * 500 + "}" * 501}, "TOO_COMPLEX"),
    "1,000 projects": (
        {"query": "{" + "".join(f"a{n}:projects{{totalCount}}" for n in range(1000)) + "}"},
        "TOO_COMPLEX",
    ),
    "20 sign-ups": (
        {"query": "mutation {" + "".join(f"a{n}:{SIGN_UP[11:-2]}" for n in range(20)) + "}"},
        "TOO_COMPLEX",
    ),
}


def fault(answer: Any) -> Any:
    """The one error of an answer, which tells nothing internal."""
    assert answer.headers["content-type"] in (JSON, GRAPHQL)
    found = answer.json()
    assert list(found) == ["errors"]
    [error] = found["errors"]
    assert not [word for word in INTERNAL if word in json.dumps(error)]
    return error


async def test_what_is_no_graphql_request_is_refused_with_a_status(api: Api) -> None:
    before = await api.rows()
    answers = {}

    for name, (body, headers, _) in MALFORMED.items():
        given = {"content-type": JSON} | headers
        answer = await api.http.post("/graphql", content=body, headers=given)
        answers[name] = (answer.status_code, fault(answer)["extensions"])

    assert answers == {
        name: (status, {"code": "BAD_REQUEST"}) for name, (_, _, status) in MALFORMED.items()
    }
    assert await api.rows() == before


async def test_a_document_that_cannot_run_is_refused_before_it_begins(api: Api) -> None:
    token = api.token(await viewer_of(api.database))
    before = await api.rows()
    codes = {}

    for name, (body, _) in DOCUMENTS.items():
        plain = await api.post(body, token, accept=JSON)
        strict = await api.post(body, token, accept=GRAPHQL)
        assert (plain.status_code, strict.status_code) == (200, 400), name
        assert plain.json() == strict.json()
        codes[name] = fault(plain)["extensions"]["code"]
        assert ("limit" in fault(plain)["extensions"]) == (codes[name] == "TOO_COMPLEX")

    assert codes == {name: code for name, (_, code) in DOCUMENTS.items()}
    assert await api.rows() == before


async def test_operations_come_by_post_alone(api: Api) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await api.http.request(method, "/graphql", params={"query": "{ __typename }"})

        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, POST"
        assert fault(answer)["extensions"]["code"] == "BAD_REQUEST"


async def test_a_body_may_be_as_large_as_the_limit_and_not_a_byte_larger(url: str) -> None:
    limit = 4096
    body = json.dumps({"query": "{ __typename }"}).encode()

    async def in_pieces(size: int) -> AsyncIterator[bytes]:
        yield body
        for _ in range(size - len(body)):
            yield b" "

    async with served(url, body_limit=limit) as api:
        whole = await api.post(body.ljust(limit))
        larger = await api.post(body.ljust(limit + 1))
        huge = await api.post(body.ljust(20 * 1024 * 1024))
        pieces = await api.http.post(
            "/graphql", content=in_pieces(limit + 1), headers={"content-type": JSON}
        )

    assert whole.json() == {"data": {"__typename": "Query"}}
    for refused in (larger, huge, pieces):
        assert refused.status_code == 413
        assert fault(refused)["extensions"] == {"code": "BAD_REQUEST", "limit": limit}


async def test_the_status_says_what_happened_where_the_media_type_lets_it(api: Api) -> None:
    token = api.token(await viewer_of(api.database))
    read = {"query": "{ __typename }"}

    assert (await api.post(read, token, accept=GRAPHQL)).status_code == 200
    assert (await api.post(read, "x.y.z", accept=GRAPHQL)).status_code == 401
    assert (await api.post(read, "x.y.z", accept=JSON)).status_code == 200
    # An error of a field is part of an answer.
    unknown = {"query": 'mutation { stopProject(id: "x") { project { id } } }'}
    answer = await api.post(unknown, token, accept=GRAPHQL)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"stopProject": None}


async def test_what_breaks_before_an_operation_is_masked_with_a_trace_id(api: Api) -> None:
    token = api.token(await viewer_of(api.database))
    async with api.database.begin(API) as session:
        await (await session.connection()).exec_driver_sql("ALTER TABLE account RENAME TO gone")

    answer = await api.post({"query": "{ me { id } }"}, token, accept=GRAPHQL)

    assert answer.status_code == 500
    assert fault(answer)["extensions"]["code"] == "INTERNAL"
    assert len(fault(answer)["extensions"]["traceId"]) == 32
