"""Which tokens of Sealos are believed."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from app.auth.sealos import Sealos
from app.domain.errors import BadVoucher
from app.settings import Settings, SettingsError
from tests.sealos import NEW, OLD, claims, signed

NOW = int(time.time())
GOOD = claims()


def sealos(secrets: str = f"{OLD},{NEW}") -> Sealos:
    return Sealos(Settings(sealos_jwt_secrets=SecretStr(secrets)))


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_who_it_is_is_said_by_the_secret_and_by_its_successor(secret: str) -> None:
    vouched = sealos().read(signed(secret))

    assert (vouched.proof.provider, vouched.proof.subject) == ("SEALOS", "ada-id")
    assert vouched.proof.name == "ada-cr"
    assert vouched.workspace == "ns-ada"


def test_a_secret_that_is_no_longer_set_signs_nothing() -> None:
    with pytest.raises(BadVoucher):
        sealos(NEW).read(signed(OLD))


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": NOW + 3600},
        {"iat": "now"},
        {"nbf": NOW + 3600},
        *({name: None} for name in GOOD if name not in ("iat", "exp")),
        *({name: ""} for name in GOOD if name not in ("iat", "exp")),
        {"userId": " "},
        {"userId": 7},
        {"userId": ["ada-id"]},
        {"userId": "x" * 256},
    ],
    ids=",".join,
)
def test_a_token_that_lacks_something_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadVoucher):
        sealos().read(signed(**wrong))


def test_a_clock_that_is_a_little_ahead_is_no_forgery() -> None:
    assert sealos().read(signed(iat=NOW + 20)).workspace == "ns-ada"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_that_was_not_signed_with_the_secret_is_refused() -> None:
    head, body, seal = signed().split(".")
    tokens = [
        signed("x" * 32),
        signed(OLD * 2, "HS512"),
        jwt.encode(GOOD, "", "none"),
        f"{part({'alg': 'none'})}.{body}.{seal}",
        f"{part({'alg': 'RS256'})}.{body}.{seal}",
        f"{head}.{part(GOOD | {'userId': 'eve'})}.{seal}",
        f"{head}.{body}.",
        jwt.encode(GOOD, OLD, "HS256", headers={"crit": ["x"]}),
        *("", "a.b.c", "x" * 20_000, "\ud800.x.y", "é.é.é"),
    ]

    for token in tokens:
        with pytest.raises(BadVoucher):
            sealos().read(token)


def test_a_short_secret_is_refused_at_start_and_none_is_off() -> None:
    with pytest.raises(SettingsError, match="MOORING_SEALOS_JWT_SECRETS"):
        sealos(f"{NEW},short")

    assert not sealos("").is_on
    with pytest.raises(BadVoucher):
        sealos("").read(signed())
