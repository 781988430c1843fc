"""GitHub and OpenID providers as real servers: who is believed, and who is not."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey, RSAKey
from pydantic import SecretStr
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from app.auth import flow, github, openid
from app.auth.flow import Flow
from app.auth.outbound import Outbound, ProviderError, Refused
from app.auth.provider import Provider
from app.domain.identities import Grants, Proof
from app.settings import OpenId, Settings
from tests.integration import providers
from tests.integration.providers import CLIENT, parts, standing
from tests.integration.world import KEYS

pytestmark = pytest.mark.security

FAILED = (ProviderError, Refused)
CALLBACK = "https://mooring.test/auth/x/callback"


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[providers.GitHub]:
    async with standing(providers.GitHub) as running:
        yield running


@pytest_asyncio.fixture
async def op() -> AsyncIterator[providers.OpenIdProvider]:
    async with standing(providers.OpenIdProvider) as running:
        yield running


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(5)
    yield made
    await made.close()


def at_github(hub: providers.GitHub, outbound: Outbound) -> Provider:
    settings = Settings(
        github_url=hub.url,
        github_api_url=hub.url,
        github_client_id=CLIENT[0],
        github_client_secret=SecretStr(CLIENT[1]),
    )
    return github.GitHub(settings, outbound, CALLBACK)


def at_openid(op: providers.OpenIdProvider, outbound: Outbound) -> Provider:
    chosen = OpenId(issuer=op.url, client_id=CLIENT[0], client_secret=SecretStr(CLIENT[1]))
    return openid.OpenIdProvider("ACME", chosen, outbound, CALLBACK)


async def answer_of(provider: Provider, begun: Flow) -> dict[str, str]:
    """What the browser brings back from a provider where the user agrees."""
    async with httpx.AsyncClient(trust_env=False, verify=False) as browser:
        sent = await browser.get(await provider.begin(begun))
    address, given = parts(sent.headers["location"])
    assert address == CALLBACK
    return given


async def proved(provider: Provider) -> Proof:
    begun = Flow(provider.name, "/")
    return await provider.finish(begun, await answer_of(provider, begun))


def reason_of(failed: Any) -> str:
    return str(failed.value.reason)


async def why_not(provider: Provider) -> str:
    with pytest.raises(FAILED) as failed:
        await proved(provider)
    return reason_of(failed)


def huge() -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 65536

    return StreamingResponse(chunks(), media_type="application/json")


async def test_github_says_who_it_is_by_number_and_verified_address(
    hub: providers.GitHub, outbound: Outbound
) -> None:
    proof = await proved(at_github(hub, outbound))

    assert proof == Proof(
        "GITHUB",
        "1815",
        "Ada-L",
        "ada@example.org",
        Grants("gho_access", "ghr_refresh", proof.grants.expires_at if proof.grants else None),
    )
    assert "gho_access" not in repr(proof)
    asked = dict(hub.asked)
    assert asked["authorize"]["scope"] == "read:user user:email"
    assert asked["authorize"]["code_challenge_method"] == "S256"
    assert asked["token"]["code_verifier"] not in asked["authorize"].values()


async def test_an_address_that_github_did_not_verify_is_none(
    hub: providers.GitHub, outbound: Outbound
) -> None:
    hub.emails = [{"email": "eve@example.org", "primary": True, "verified": False}]

    assert (await proved(at_github(hub, outbound))).email is None


async def test_a_code_is_good_once_and_for_who_began(
    hub: providers.GitHub, outbound: Outbound
) -> None:
    provider, begun = at_github(hub, outbound), Flow("GITHUB", "/")
    given = await answer_of(provider, begun)
    other = await answer_of(provider, Flow("GITHUB", "/"))
    await provider.finish(begun, given)

    for stale in (given, other):
        with pytest.raises(FAILED) as failed:
            await provider.finish(begun, stale)
        assert reason_of(failed) == "REFUSED"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"error": "access_denied"}, "DENIED"),
        ({"error": "server_error", "error_description": "<script>"}, "REFUSED"),
        ({}, "REFUSED"),
        ({"code": ""}, "REFUSED"),
    ],
)
async def test_an_answer_without_a_code_is_refused_without_asking(
    hub: providers.GitHub, outbound: Outbound, given: dict[str, str], reason: str
) -> None:
    with pytest.raises(FAILED) as failed:
        await at_github(hub, outbound).finish(Flow("GITHUB", "/"), given)

    assert reason_of(failed) == reason
    assert hub.asked == []


TOKEN, USER = "/login/oauth/access_token", "/user"


@pytest.mark.parametrize(
    ("path", "spoil", "reason"),
    [
        (TOKEN, lambda: Response("down", 503), "UNREACHABLE"),
        (TOKEN, lambda: Response("<html>", 200), "NONSENSE"),
        (TOKEN, lambda: JSONResponse([1]), "NONSENSE"),
        (TOKEN, lambda: JSONResponse({"token_type": "bearer"}), "NONSENSE"),
        (TOKEN, lambda: JSONResponse({"access_token": 7, "token_type": "bearer"}), "NONSENSE"),
        (TOKEN, lambda: RedirectResponse("http://127.0.0.1:1/"), "UNREACHABLE"),
        (TOKEN, huge, "UNREACHABLE"),
        (USER, huge, "UNREACHABLE"),
        (USER, lambda: RedirectResponse("/elsewhere"), "NONSENSE"),
        (USER, lambda: JSONResponse({"id": "1815", "login": "ada"}), "NONSENSE"),
        (USER, lambda: JSONResponse({"id": True, "login": "ada"}), "NONSENSE"),
        (USER, lambda: Response("[" * 100_000, media_type="application/json"), "NONSENSE"),
    ],
)
async def test_a_provider_that_answers_nonsense_lets_nobody_in(
    hub: providers.GitHub,
    outbound: Outbound,
    path: str,
    spoil: Callable[[], Response],
    reason: str,
) -> None:
    hub.spoils[path] = spoil

    assert await why_not(at_github(hub, outbound)) == reason


async def test_a_provider_that_drips_is_given_up_in_time(hub: providers.GitHub) -> None:
    async def drops() -> AsyncIterator[bytes]:
        while not hub.slow.is_set():
            yield b" "
            await asyncio.sleep(0.05)

    hub.spoils[USER] = lambda: StreamingResponse(drops())
    impatient = Outbound(0.5)

    assert await why_not(at_github(hub, impatient)) == "SILENT"
    await impatient.close()


async def test_a_provider_that_is_away_is_said_to_be(outbound: Outbound) -> None:
    async with standing(providers.OpenIdProvider) as op:
        provider = at_openid(op, outbound)

    with pytest.raises(FAILED) as failed:
        await provider.begin(Flow("ACME", "/"))

    assert reason_of(failed) == "UNREACHABLE"


async def test_an_openid_provider_says_who_it_is(
    op: providers.OpenIdProvider, outbound: Outbound
) -> None:
    provider = at_openid(op, outbound)

    assert await proved(provider) == Proof("ACME", "subject-1", "ada", "ada@example.org")
    assert await proved(provider) == Proof("ACME", "subject-1", "ada", "ada@example.org")
    assert [name for name, _ in op.asked].count("discovery") == 1
    assert [name for name, _ in op.asked].count("jwks") == 1


async def test_keys_that_the_provider_changes_are_fetched_once(
    op: providers.OpenIdProvider, outbound: Outbound
) -> None:
    provider = at_openid(op, outbound)
    await proved(provider)
    op.keys = [ECKey.generate_key("P-256", {"kid": "ec-2", "use": "sig"})]

    assert (await proved(provider)).subject == "subject-1"
    op.header = {"kid": "made-up"}
    assert await why_not(provider) == "BAD_ID_TOKEN"
    assert await why_not(provider) == "BAD_ID_TOKEN"
    assert [name for name, _ in op.asked].count("jwks") == 2


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": []},
        {"aud": ["another-client", CLIENT[0]]},
        {"aud": [CLIENT[0], "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://accounts.google.com"},
        {"iss": None},
        {"exp": NOW - 3600},
        {"exp": None},
        {"exp": "soon"},
        {"iat": NOW + 3600},
        {"iat": None},
        {"nbf": NOW + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "ada\0"},
        {"at_hash": "of-another-token"},
    ],
    ids=",".join,
)
async def test_an_id_token_for_another_purpose_is_not_believed(
    op: providers.OpenIdProvider, outbound: Outbound, claims: dict[str, Any]
) -> None:
    op.claims = claims

    assert await why_not(at_openid(op, outbound)) == "BAD_ID_TOKEN"


def unsigned(claims: dict[str, Any]) -> str:
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none"}, claims)
    )
    return f"{head}.{body}."


async def test_an_id_token_that_the_provider_did_not_sign_is_not_believed(
    op: providers.OpenIdProvider, outbound: Outbound
) -> None:
    foreign = providers.OpenIdProvider(0)
    foreign.keys = [RSAKey.generate_key(2048, {"kid": "rsa-1"})]
    ways: list[Callable[[dict[str, Any]], str]] = [
        unsigned,
        op.hashed_with_the_public_key,
        foreign.signed,
        lambda claims: op.signed(claims)[:-6] + "AAAAAA",
        lambda claims: op.signed(claims).rpartition(".")[0] + ".",
        lambda _: "no token",
        lambda _: "",
    ]

    for way in ways:
        op.sign = way
        assert await why_not(at_openid(op, outbound)) == "BAD_ID_TOKEN"


async def test_a_key_of_the_provider_is_never_a_shared_secret(
    op: providers.OpenIdProvider, outbound: Outbound
) -> None:
    shared = {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"s" * 32).decode()}
    op.spoils["/jwks"] = lambda: JSONResponse({"keys": [shared]})

    assert await why_not(at_openid(op, outbound)) == "BAD_ID_TOKEN"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://accounts.google.com"},
        {"issuer": None},
        {"token_endpoint": "http://169.254.169.254/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
    ],
    ids=",".join,
)
async def test_a_provider_that_describes_itself_wrongly_is_not_used(
    op: providers.OpenIdProvider, outbound: Outbound, metadata: dict[str, Any]
) -> None:
    op.metadata = metadata

    with pytest.raises(FAILED) as failed:
        await at_openid(op, outbound).begin(Flow("ACME", "/"))

    assert reason_of(failed) == "NONSENSE"


async def test_the_answer_of_another_provider_is_a_mix_up(
    op: providers.OpenIdProvider, outbound: Outbound
) -> None:
    op.metadata = {"authorization_response_iss_parameter_supported": True}
    provider, begun = at_openid(op, outbound), Flow("ACME", "/")
    given = await answer_of(provider, begun)

    for answer in (given, given | {"iss": "https://attacker.test"}):
        with pytest.raises(FAILED) as failed:
            await provider.finish(begun, answer)
        assert reason_of(failed) == "MIXED_UP"
    assert (await provider.finish(begun, given | {"iss": op.url})).subject == "subject-1"


def test_what_the_browser_carries_is_good_for_one_provider_and_not_for_long() -> None:
    begun = Flow("GITHUB", "/projects")
    over = Flow("GITHUB", "/", until=time.time() - 1)
    carried = flow.seal(KEYS, begun)

    assert flow.unseal(KEYS, "GITHUB", carried) == begun
    assert flow.unseal(KEYS, "ACME", carried) is None
    assert flow.unseal(KEYS, "GITHUB", flow.seal(KEYS, over)) is None
    for wrong in ("", "AAAA", carried[:-8] + "AAAAAAAA", "\u00e9", "x" * 5000):
        assert flow.unseal(KEYS, "GITHUB", wrong) is None
    assert begun.state not in repr(begun)


@pytest.mark.parametrize(
    "path",
    [
        *("//evil.test", "/\\evil.test", "https://evil.test", "/\t/evil.test", "/\n/evil.test"),
        *("javascript:alert(1)", "evil.test", "", "/ä", "/" + "x" * 600, "/a b", None),
    ],
)
def test_nobody_is_sent_to_another_server(path: str | None) -> None:
    assert flow.local(path) == "/"


def test_a_path_of_ours_is_kept_with_its_query() -> None:
    assert flow.local("/projects/1?tab=why#logs") == "/projects/1?tab=why#logs"
