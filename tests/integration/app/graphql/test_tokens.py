"""Tokens that are not good, by each way in: the same code and reason, and nothing is done."""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from app.auth.tokens import AccessClaims, Tokens
from app.domain import apitokens
from app.domain.sessions import Presented
from app.domain.viewer import Viewer
from tests.integration.app.graphql.serving import Api
from tests.integration.world import viewer_of

KEY = "k" * 32
CREATE = 'mutation { createProject(input: {name: "x"}) { project { id } } }'
ALL = "subscription { projectsChanged { kind } }"


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(viewer: Viewer) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "sub": str(viewer.user_id),
        "sid": str(viewer.grant.session_id),
        "iss": "mooring",
        "aud": "mooring-api",
        "iat": now,
        "exp": now + timedelta(hours=1),
    }


def bad(viewer: Viewer) -> dict[str, tuple[str, str]]:
    """By name: what comes after `Bearer `, and the reason it is refused for."""
    good, now = claims_of(viewer), datetime.now(UTC)
    names = {"kid": "test", "typ": "at+jwt"}
    hour, sealed = timedelta(hours=1), jwt.encode(good, KEY, "HS256", names)
    head, body, seal = sealed.split(".")
    tokens, session = Tokens(f"test:{KEY}"), viewer.grant.session_id
    assert session is not None

    def signed(key: str = KEY, algorithm: str = "HS256", **other: object) -> str:
        return jwt.encode(good | other, key, algorithm, names)

    def headed(**other: object) -> str:
        given = {name: value for name, value in (names | other).items() if value is not None}
        return jwt.encode(good, KEY, "HS256", given)

    def unsealed(header: object) -> str:
        return f"{part(header)}.{body}.{seal}"

    def without(claim: str) -> str:
        return jwt.encode({k: v for k, v in good.items() if k != claim}, KEY, "HS256", names)

    def confused(algorithm: str) -> str:
        """Another algorithm's name over a seal that is good for the text."""
        text = f"{part(names | {'alg': algorithm})}.{body}"
        return f"{text}.{part(hmac.digest(KEY.encode(), text.encode(), hashlib.sha256))}"

    malformed = {
        "foreign key": signed(key="another key of thirty-two letters"),
        "no algorithm": jwt.encode(good, "", "none", names),
        "no algorithm, sealed": unsealed(names | {"alg": "none"}),
        "no algorithm, in capitals": unsealed(names | {"alg": "NONE"}),
        "an algorithm that is no name": unsealed(names | {"alg": ["HS256"]}),
        "without an algorithm": unsealed(names),
        "another algorithm": signed(key=KEY * 2, algorithm="HS512"),
        "a public key's algorithm": confused("RS256"),
        "an elliptic algorithm": confused("ES256"),
        "another algorithm's name": confused("HS384"),
        "a name in small letters": confused("hs256"),
        "a key's name that is not ours": headed(kid="other"),
        "a key's name that is a path": headed(kid="../../dev/null"),
        "no key's name": headed(kid=None),
        "a key's name that is no text": unsealed(names | {"alg": "HS256", "kid": ["test"]}),
        "a key of its own": jwt.encode(
            good, "x" * 32, "HS256", names | {"jwk": {"kty": "oct", "k": part(b"x" * 32)}}
        ),
        "a key from elsewhere, foreign": jwt.encode(
            good, "x" * 32, "HS256", names | {"jku": "https://evil.test/keys", "x5u": "x"}
        ),
        "no type": headed(typ="JWT"),
        "another type": headed(typ="mooring-refresh+jwt"),
        "a refresh token": tokens.refresh(Presented(viewer.user_id, session, 0), now + hour),
        "a refresh token that says access": signed(aud="mooring-refresh"),
        "two audiences": signed(aud=["mooring-api", "mooring-refresh"]),
        "issued in the future": signed(iat=now + hour),
        "issued at no time": signed(iat="now"),
        "good in the future": signed(nbf=now + hour),
        "wrong issuer": signed(iss="else"),
        "wrong audience": signed(aud="else"),
        "no issuer": without("iss"),
        "no audience": without("aud"),
        "no end": without("exp"),
        "no beginning": without("iat"),
        "no subject": without("sub"),
        "no session": without("sid"),
        "a subject that is no id": signed(sub="ada"),
        "a session that is no id": signed(sid="x"),
        "a session that is no text": signed(sid=7),
        "an end that is no time": signed(exp="soon"),
        "an end beyond all time": signed(exp=10**20),
        "an end of NaN": signed(exp=float("nan")),
        "an end of infinity": signed(exp=float("inf")),
        "an unknown critical header": headed(crit=["x"]),
        "changed": f"{head}.{part({'sub': str(uuid4())})}.{seal}",
        "no seal": f"{head}.{body}.",
        "a header 1,500 lists deep": f"{part(b'[' * 1500)}.{body}.{seal}",
        "a header that is no object": f"{part([])}.{body}.{seal}",
        "a body that is no object": jwt.api_jws.encode(b"[]", KEY, "HS256", names),
        "of the last release": jwt.encode(good, KEY, "HS256"),
        "two dots": "..",
        "no dots": "token",
        "spaces": "a b c",
        "enormous": "x" * 30_000,
        "an API token cut short": apitokens.new()[:-1],
        "an API token with a wrong checksum": apitokens.new()[:-6] + "000000",
        "an API token with more": apitokens.new() + "0",
        "an API token's prefix": "mooring_",
        "an API token's prefix before a good one": f"mooring_{sealed}",
    }
    other = AccessClaims(viewer.user_id, uuid4(), now + hour)
    stranger = AccessClaims(uuid4(), session, now + hour)
    return {name: (token, "MALFORMED") for name, token in malformed.items()} | {
        "expired": (signed(iat=now - hour, exp=now - timedelta(seconds=1)), "EXPIRED"),
        "ended in 1970": (signed(exp=0), "EXPIRED"),
        "an API token that there never was": (apitokens.new(), "REVOKED"),
        "of no session": (tokens.access(other), "REVOKED"),
        "of another's session": (tokens.access(stranger), "REVOKED"),
    }


async def by_http(api: Api, header: str) -> Any:
    answer = await api.post({"query": CREATE}, authorization=header)
    return answer.json()["errors"][0]["extensions"]


async def by_events(api: Api, header: str) -> Any:
    async with api.stream(ALL, authorization=header) as stream:
        seen = await stream.rest()
    return seen[0].data["errors"][0]["extensions"]


async def by_socket(api: Api, header: str) -> Any:
    async with api.socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": header}})
        closed, why = await socket.closed()
    assert closed == 4403
    code, _, reason = why.partition(": ")
    return {"code": code, "reason": reason}


@pytest.mark.parametrize("way", [by_http, by_events, by_socket])
async def test_a_token_that_is_not_good_is_refused_with_its_reason(
    api: Api, way: Callable[[Api, str], Awaitable[Any]]
) -> None:
    given = bad(await viewer_of(api.database))
    before = await api.rows()

    answers = {name: await way(api, f"Bearer {token}") for name, (token, _) in given.items()}

    assert answers == {
        name: {"code": "UNAUTHENTICATED", "reason": reason} for name, (_, reason) in given.items()
    }
    assert await api.rows() == before


async def test_a_header_that_holds_no_token_is_refused(api: Api) -> None:
    reasons = {
        "": "MISSING",
        "Bearer": "MALFORMED",
        "Basic eDp5": "MALFORMED",
        "bearer x.y.z": "MALFORMED",
        "x.y.z": "MALFORMED",
        "Bearer \xe9": "MALFORMED",
    }

    for header, reason in reasons.items():
        given = [(b"authorization", header.encode("latin-1"))]
        answer = await api.http.post("/graphql", json={"query": CREATE}, headers=given)

        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert error["extensions"]["reason"] == reason


async def test_a_good_token_is_good_by_each_way_in(api: Api) -> None:
    viewer = await viewer_of(api.database)
    token = api.token(viewer)

    answer = await api.post({"query": "{ me { login } }"}, token)
    async with api.stream(ALL, token) as stream:
        event = await stream.next()
    async with api.socket() as socket:
        greeted = await socket.init({"Authorization": f"Bearer {token}"})
        await socket.subscribe("{ me { login } }")
        message = await socket.next()

    assert answer.json() == message["payload"] == {"data": {"me": {"login": "ada"}}}
    assert event.data == {"data": {"projectsChanged": {"kind": "SYNCED"}}}
    assert greeted == {"type": "connection_ack"}
