"""Websockets that do not keep to graphql-transport-ws, and those that do."""

from typing import Any

import websockets

from app.domain.viewer import API, Viewer
from tests.integration.app.graphql.serving import Api, served
from tests.integration.world import becomes, project_of, viewer_of

ALL = "subscription { projectsChanged { kind projectId } }"
HELLO = {"type": "connection_init"}


def subscribe(key: object = "1", **payload: object) -> dict[str, Any]:
    return {"id": key, "type": "subscribe", "payload": {"query": ALL} | payload}


WRONG: dict[str, tuple[list[Any], int]] = {
    "a number": (["5"], 4400),
    "a string": (['"x"'], 4400),
    "a list": (["[]"], 4400),
    "null": (["null"], 4400),
    "not JSON": (["{"], 4400),
    "empty": ([""], 4400),
    "half a character": (['{"type": "\\ud800"}'], 4400),
    "20,000 lists deep": (["[" * 20_000], 4400),
    "binary": ([b'{"type": "connection_init"}'], 4400),
    "no type": (["{}"], 4400),
    "an unknown type": ([{"type": "x" * 5000}], 4400),
    "a list for a type": ([{"type": []}], 4400),
    "the older protocol": ([HELLO, {"type": "start", "id": "1", "payload": {}}], 4400),
    "init with a list": ([HELLO | {"payload": []}], 4400),
    "init with text": ([HELLO | {"payload": "token"}], 4400),
    "a token that is no text": ([HELLO | {"payload": {"authorization": {"a": 1}}}], 4403),
    "a token of no known scheme": ([HELLO | {"payload": {"Authorization": "Basic eDp5"}}], 4403),
    "a bad token": ([HELLO | {"payload": {"authorization": "Bearer x.y.z"}}], 4403),
    "a second init": ([HELLO, HELLO], 4429),
    "subscribe before init": ([subscribe()], 4401),
    "no id": ([HELLO, subscribe(None)], 4400),
    "an empty id": ([HELLO, subscribe("")], 4400),
    "a number for an id": ([HELLO, subscribe(1)], 4400),
    "a list for an id": ([HELLO, subscribe(["1"])], 4400),
    "no payload": ([HELLO, {"id": "1", "type": "subscribe"}], 4400),
    "payload a list": ([HELLO, {"id": "1", "type": "subscribe", "payload": []}], 4400),
    "no query": ([HELLO, subscribe(query=None)], 4400),
    "variables a list": ([HELLO, subscribe(variables=[])], 4400),
    "name a number": ([HELLO, subscribe(operationName=1)], 4400),
    "extensions text": ([HELLO, subscribe(extensions="x")], 4400),
    "complete without id": ([HELLO, {"type": "complete"}], 4400),
    "ping with text": ([HELLO, {"type": "ping", "payload": "x"}], 4400),
    "larger than 1 MiB": ([HELLO, subscribe(query=" " * 1024 * 1024)], 1009),
}


async def test_a_wrong_message_closes_the_socket_with_its_code(api: Api) -> None:
    before = await api.rows()
    codes = {}

    for name, (messages, _) in WRONG.items():
        async with api.socket() as socket:
            for message in messages:
                await socket.send(message)
            codes[name], _ = await socket.closed()

    assert codes == {name: code for name, (_, code) in WRONG.items()}
    assert await api.rows() == before


async def test_who_says_nothing_is_sent_away(url: str) -> None:
    async with served(url, socket_init_timeout=0.05) as api, api.socket() as socket:
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_running_id_cannot_be_given_again(api: Api) -> None:
    long = "x" * 500
    token = api.token(await viewer_of(api.database))

    async with api.socket() as socket:
        await socket.init({"authorization": f"Bearer {token}"})
        await socket.subscribe(ALL, long)
        await socket.next()
        await socket.subscribe(ALL, long)
        code, reason = await socket.closed()

    assert code == 4409
    assert reason.startswith("Subscriber for xxx")


async def test_a_page_of_another_origin_opens_no_socket(api: Api) -> None:
    async def opened(origin: str | None) -> int:
        try:
            async with websockets.connect(
                f"ws://127.0.0.1:{api.port}/graphql",
                subprotocols=[websockets.Subprotocol("graphql-transport-ws")],
                origin=None if origin is None else websockets.Origin(origin),
                proxy=None,
            ):
                return 101
        except websockets.InvalidStatus as refused:
            return refused.response.status_code

    own = f"http://127.0.0.1:{api.port}"
    strange = ("https://evil.example", "null", f"https://127.0.0.1:{api.port + 1}")

    assert [await opened(origin) for origin in (None, own)] == [101, 101]
    assert [await opened(origin) for origin in strange] == [403, 403, 403]


async def test_no_other_protocol_is_spoken(api: Api) -> None:
    async with websockets.connect(
        f"ws://127.0.0.1:{api.port}/graphql",
        subprotocols=[websockets.Subprotocol("graphql-ws")],
        proxy=None,
    ) as connection:
        await connection.wait_closed()

    assert connection.close_code == 4406


async def test_the_close_reason_says_why_a_token_was_refused(api: Api) -> None:
    viewer = await viewer_of(api.database)
    expired = api.token(viewer, lifetime=-10)

    async with api.socket() as socket:
        await socket.send(HELLO | {"payload": {"Authorization": f"Bearer {expired}"}})
        closed = await socket.closed()

    assert closed == (4403, "UNAUTHENTICATED: EXPIRED")


async def test_a_refused_operation_leaves_the_others_on_its_socket_alone(api: Api) -> None:
    refusals = {
        "subscription {": "BAD_REQUEST",
        "subscription { nothing }": "BAD_REQUEST",
        "query A { __typename } query B { __typename }": "BAD_REQUEST",
        "{" + "me {id} " * 2000 + "}": "TOO_COMPLEX",
        ALL: "UNAUTHENTICATED",
    }
    async with api.socket() as socket:
        await socket.init()
        for document, code in refusals.items():
            await socket.subscribe(document, "wrong")
            refused = await socket.next()
            assert (refused["id"], refused["type"]) == ("wrong", "error")
            assert [error["extensions"]["code"] for error in refused["payload"]] == [code]
        await socket.subscribe("{ __typename }", "right")
        answers = [await socket.next(), await socket.next()]

    assert answers == [
        {"id": "right", "type": "next", "payload": {"data": {"__typename": "Query"}}},
        {"id": "right", "type": "complete"},
    ]


async def test_a_socket_carries_a_hundred_operations_and_no_more(api: Api) -> None:
    token = api.token(await viewer_of(api.database))

    async with api.socket() as socket:
        await socket.init({"authorization": f"Bearer {token}"})
        for number in range(101):
            await socket.subscribe(ALL, str(number))
        answers: dict[str, Any] = {}
        while len(answers) < 101:
            answer = await socket.next()
            answers.setdefault(answer["id"], answer)

    assert {answer["type"] for key, answer in answers.items() if key != "100"} == {"next"}
    [error] = answers["100"]["payload"]
    assert error["extensions"] == {"code": "TOO_COMPLEX", "measure": "operations", "limit": 100}


async def test_whoever_goes_away_or_completes_is_no_subscriber_any_more(api: Api) -> None:
    viewer: Viewer = await viewer_of(api.database)
    token = api.token(viewer)

    async def nobody_listens() -> bool:
        return not api.state.feeds._feeds

    async with api.socket() as socket:
        await socket.init({"authorization": f"Bearer {token}"})
        await socket.subscribe(ALL)
        await socket.next()
        await socket.send({"id": "1", "type": "complete"})
        await becomes(nobody_listens)
        await socket.subscribe(ALL)
        await socket.next()
        await project_of(api.database, viewer)
    await becomes(nobody_listens)


async def test_a_client_is_asked_to_come_again_when_its_token_cannot_be_read_now(api: Api) -> None:
    token = api.token(await viewer_of(api.database))
    async with api.database.begin(API) as session:
        await (await session.connection()).exec_driver_sql("ALTER TABLE account RENAME TO gone")

    async with api.socket() as socket:
        await socket.send(HELLO | {"payload": {"authorization": f"Bearer {token}"}})
        closed = await socket.closed()

    assert closed == (1013, "Try again later")
