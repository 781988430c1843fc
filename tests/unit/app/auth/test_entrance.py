"""Which ways to sign in there are, and which settings cannot work."""

from typing import Any

import pytest
from pydantic import SecretStr

from app.auth.entrance import Entrance, Way
from app.settings import OpenId, Settings, SettingsError

GITHUB: dict[str, Any] = {"github_client_id": "x", "github_client_secret": SecretStr("y")}
ACME = OpenId(issuer="https://login.example", client_id="x", client_secret=SecretStr("y"))
HOST: dict[str, Any] = {"public_url": "https://mooring.example/"}


def test_each_way_is_on_when_what_it_needs_is_set() -> None:
    settings = Settings(
        **GITHUB,
        **HOST,
        openid_providers={"ACME": ACME},
        sealos_jwt_secrets=SecretStr("s" * 32),
        sign_up=["ACME"],
    )

    assert Entrance(Settings()).ways == [Way("PASSWORD", sign_up=False)]
    assert Entrance(settings).ways == [
        Way("PASSWORD", sign_up=False),
        Way("GITHUB", sign_up=False, path="/auth/github"),
        Way("ACME", sign_up=True, path="/auth/acme"),
        Way("SEALOS", sign_up=False),
    ]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (GITHUB, "MOORING_PUBLIC_URL"),
        ({"openid_providers": {"ACME": ACME}}, "MOORING_PUBLIC_URL"),
        (HOST | {"github_client_id": "x"}, "MOORING_GITHUB_CLIENT_SECRET"),
        ({"sealos_jwt_secrets": SecretStr("short")}, "MOORING_SEALOS_JWT_SECRETS"),
        ({"sign_up": ["password"]}, "MOORING_SIGN_UP: password"),
        ({"sign_up": ["PASSWORD", "ACME"]}, "MOORING_SIGN_UP: ACME"),
    ],
)
def test_a_way_that_lacks_something_is_refused_by_name(
    settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        Entrance(Settings(**settings))
