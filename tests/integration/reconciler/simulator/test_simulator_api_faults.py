"""An API server that refuses, is late, never answers, or cuts its watches."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientPayloadError

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Cluster,
    Json,
    Watching,
    config_map,
    stateful_set,
)

pytestmark = pytest.mark.faults

MAPS = "/api/v1/namespaces/{ns}/configmaps"
FAULTS = "/simulator/faults"
MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def answers(code: int, **details: Any) -> Json:
    return {"fault": "Answer", "code": code, **details}


@pytest.mark.parametrize(
    ("code", "reason", "message"),
    [
        (401, "Unauthorized", "Unauthorized"),
        (
            403,
            "Forbidden",
            'statefulsets.apps "box" is forbidden: User "mooring-simulator" cannot patch resource'
            ' "statefulsets" in API group "apps" in the namespace "{ns}"',
        ),
        (
            409,
            "Conflict",
            f'Operation cannot be fulfilled on statefulsets.apps "box": {MODIFIED}',
        ),
        (500, None, "etcdserver: request timed out"),
        (
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        (
            504,
            "Timeout",
            "Timeout: request did not complete within the requested timeout"
            " - context deadline exceeded",
        ),
    ],
)
async def test_a_refusal_has_the_body_of_the_real_one_and_no_effect(
    cluster: Cluster, code: int, reason: str | None, message: str
) -> None:
    async with cluster.faulty(answers(code)):
        refused = await cluster.apply(SETS, stateful_set())
    found = await cluster.call("GET", f"{SETS}/box")

    assert (refused.code, refused.body["code"]) == (code, code)
    assert refused.body.get("reason") == reason
    assert refused.body["message"] == message.replace("{ns}", cluster.namespace)
    assert (refused.body["kind"], refused.body["status"]) == ("Status", "Failure")
    assert found.code == 404


async def test_too_many_requests_is_plain_text_with_a_time_to_wait(cluster: Cluster) -> None:
    async with cluster.faulty(answers(429, retryAfter=7)):
        refused = await cluster.call("GET", MAPS)

    assert refused.code == 429
    assert refused.body == "Too many requests, please try again later.\n"
    assert refused.headers["Retry-After"] == "7"


async def test_it_may_have_taken_effect(cluster: Cluster) -> None:
    async with cluster.faulty(answers(500, applied=True)):
        refused = await cluster.call("POST", MAPS, config_map("a"))
    found = await cluster.call("GET", f"{MAPS}/a")

    assert refused.code == 500
    assert found.code == 200


async def test_the_next_requests_of_a_verb_and_kind_are_refused_and_no_others(
    cluster: Cluster,
) -> None:
    await cluster.call("POST", MAPS, config_map("a"))

    async with cluster.faulty(answers(503, kind="ConfigMap", verbs=["patch"], times=2)):
        read = await cluster.call("GET", f"{MAPS}/a")
        other = await cluster.call(
            "POST", "/api/v1/namespaces/{ns}/secrets", {"metadata": {"name": "s"}}
        )
        codes = [
            (await cluster.call("PATCH", f"{MAPS}/a", {"data": {"n": n}}, MERGE_PATCH)).code
            for n in ("1", "2", "3")
        ]
        left = await cluster.call("GET", FAULTS)

    assert (read.code, other.code) == (200, 201)
    assert codes == [503, 503, 200]
    assert left.body == []


async def test_what_a_fault_forbids_a_review_does_not_allow(cluster: Cluster) -> None:
    wanted = {"namespace": cluster.namespace, "group": "apps", "resource": "statefulsets"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    async with cluster.faulty(answers(403, kind="StatefulSet", verbs=["patch"])):
        patch = await cluster.call(
            "POST", path, {"spec": {"resourceAttributes": {**wanted, "verb": "patch"}}}
        )
        read = await cluster.call(
            "POST", path, {"spec": {"resourceAttributes": {**wanted, "verb": "get"}}}
        )

    assert patch.body["status"] == {"allowed": False}
    assert read.body["status"] == {"allowed": True}


async def test_what_a_fault_forbids_is_in_no_rule(cluster: Cluster) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"

    async with cluster.faulty(answers(403, kind="StatefulSet", verbs=["patch", "delete"])):
        review = await cluster.call("POST", path, {"spec": {"namespace": cluster.namespace}})
        other = await cluster.call("POST", path, {"spec": {"namespace": "elsewhere"}})

    verbs = {rule["resources"][0]: rule["verbs"] for rule in review.body["status"]["resourceRules"]}
    assert verbs["statefulsets"] == ["create", "deletecollection", "get", "list", "update", "watch"]
    assert "patch" in verbs["pods"]
    assert other.body["status"]["incomplete"] is False


async def test_discovery_is_refused_by_its_path(cluster: Cluster) -> None:
    async with cluster.faulty(answers(401, name="/apis*")):
        groups = await cluster.call("GET", "/apis")
        core = await cluster.call("GET", "/api")

    assert (groups.code, core.code) == (401, 200)


async def test_an_answer_is_as_late_as_it_is_told(cluster: Cluster) -> None:
    def delayed(seconds: float) -> Json:
        return {"fault": "Latency", "seconds": seconds, "verbs": ["list"], "times": 1}

    async with cluster.faulty(delayed(3600)):
        never = asyncio.create_task(cluster.call("GET", MAPS))
        await cluster.until(FAULTS, lambda one: one.body == [])
        prompt = await cluster.call("GET", MAPS)
        still = not never.done()
        never.cancel()
    async with cluster.faulty(delayed(0.01)):
        late = await cluster.call("GET", MAPS)

    assert (prompt.code, still) == (200, True)
    assert late.code == 200


async def test_a_request_that_hangs_is_answered_when_the_fault_goes(cluster: Cluster) -> None:
    rule = {"fault": "Hang", "verbs": ["create"], "times": 1}
    async with cluster.faulty(rule):
        hanging = asyncio.create_task(cluster.call("POST", MAPS, config_map("a")))
        await cluster.until(FAULTS, lambda one: one.body == [])
        nothing = await cluster.call("GET", f"{MAPS}/a")
        waiting = not hanging.done()
    made = await hanging

    assert (nothing.code, waiting) == (404, True)
    assert made.code == 201


async def test_an_answer_that_is_lost_may_have_taken_effect(cluster: Cluster) -> None:
    rule = {"fault": "Hang", "kind": "ConfigMap", "verbs": ["create"], "applied": True}
    async with cluster.faulty(rule):
        hanging = asyncio.create_task(cluster.call("POST", MAPS, config_map("a")))
        await cluster.until(f"{MAPS}/a", lambda one: one.code == 200)
        hanging.cancel()
        again = await cluster.call("GET", MAPS)

    assert again.names == ["a"]


async def test_open_watches_are_cut_and_go_on_from_where_they_were(cluster: Cluster) -> None:
    made = await cluster.call("POST", MAPS, config_map("a"))
    response = await cluster.open("GET", MAPS, watch="true")

    async with Watching(response) as watching:
        await watching.event()
        async with cluster.faulty({"fault": "WatchCut", "kind": "ConfigMap", "times": 1}):
            rest = await response.content.read()
            left = await cluster.call("GET", FAULTS)
    await cluster.call("POST", MAPS, config_map("b"))
    (event,) = await cluster.watch(MAPS, 1, resourceVersion=made.version)

    assert rest == b""
    assert left.body == []
    assert event["object"]["metadata"]["name"] == "b"


async def test_a_torn_watch_is_a_broken_connection(cluster: Cluster) -> None:
    await cluster.call("POST", MAPS, config_map("a"))
    response = await cluster.open("GET", MAPS, watch="true")

    async with Watching(response) as watching:
        await watching.event()
        async with cluster.faulty({"fault": "WatchCut", "kind": "ConfigMap", "torn": True}):
            with pytest.raises(ClientPayloadError):
                await response.content.read()
        healthy = await cluster.call("GET", MAPS)

    assert healthy.names == ["a"]


async def test_a_watch_that_is_cut_as_it_begins_tells_what_there_is(cluster: Cluster) -> None:
    await cluster.call("POST", MAPS, config_map("a"))

    async with cluster.faulty({"fault": "WatchCut"}):
        response = await cluster.open("GET", MAPS, watch="true")
        async with Watching(response) as watching:
            first = await watching.event()
            rest = await response.content.read()

    assert first["object"]["metadata"]["name"] == "a"
    assert rest == b""


async def test_an_expired_watch_ends_with_410_and_cannot_go_on(cluster: Cluster) -> None:
    made = await cluster.call("POST", MAPS, config_map("a"))
    response = await cluster.open("GET", MAPS, watch="true", resourceVersion=made.version)

    async with Watching(response) as watching, cluster.faulty({"fault": "WatchExpired"}):
        ended = await watching.event()
        (refused,) = await cluster.watch(MAPS, 1, resourceVersion=made.version)
        (anew,) = await cluster.watch(MAPS, 1)

    for event in (ended, refused):
        assert event["type"] == "ERROR"
        assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
        assert event["object"]["message"].startswith("too old resource version: ")
    assert anew["type"] == "ADDED"


async def test_faults_can_always_be_taken_back(cluster: Cluster) -> None:
    async with cluster.faulty(answers(401, name="*"), {"fault": "Hang", "name": "*"}):
        read = await cluster.call("GET", FAULTS)
        cleared = await cluster.call("DELETE", FAULTS)
        healthy = await cluster.call("GET", MAPS)

    assert len(read.body) == 2
    assert cleared.body == []
    assert healthy.code == 200
