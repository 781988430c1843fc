"""What holds a secret does not show it when it is printed: in a log, an error, a debugger."""

import dataclasses
import importlib
import pkgutil

import pytest
from pydantic import SecretStr

import app
from app.secrets.keyring import KeyRing
from app.settings import OpenId, Settings

SECRETS = {
    "access_token",
    "api_key",
    "cookie",
    "authorization",
    "dotenv",
    "new_password",
    "password",
    "refresh_token",
    "secret",
    "token",
    "verifier",
}
# Strawberry's classes are made at the edge, live for one operation and are printed nowhere;
# `mooring dev` shows the developer his own password.
ELSEWHERE = ("app.graphql.", "app.supervisor.", "app.postgres.")
CANARY = "c4nary" * 8


def test_no_dataclass_prints_a_field_that_is_called_like_a_secret() -> None:
    found = {
        f"{kind.__module__}.{kind.__name__}.{field.name}"
        for module in pkgutil.walk_packages(app.__path__, "app.")
        if not module.name.startswith(ELSEWHERE)
        for kind in vars(importlib.import_module(module.name)).values()
        if isinstance(kind, type) and dataclasses.is_dataclass(kind)
        if not kind.__module__.startswith(ELSEWHERE)
        for field in dataclasses.fields(kind)
        # Bytes are sealed, or a hash.
        if field.name in SECRETS and field.repr and "bytes" not in str(field.type)
    }

    assert found == set()


@pytest.mark.parametrize(
    "name",
    [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)],
)
def test_no_setting_prints_a_secret(name: str) -> None:
    settings = Settings().model_copy(update={name: SecretStr(CANARY)})

    assert CANARY not in f"{settings!r} {settings} {settings.model_dump()}"
    assert CANARY not in settings.model_dump_json()


def test_neither_a_provider_nor_a_key_ring_prints_its_secrets() -> None:
    openid = OpenId(
        issuer="https://id.example.com", client_id="mooring", client_secret=SecretStr(CANARY)
    )
    key = "Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2E="

    printed = (
        f"{Settings(openid_providers={'ELSEWHERE': openid})!r} {openid} {KeyRing('a:' + key)!r}"
    )

    assert CANARY not in printed
    assert key not in printed
