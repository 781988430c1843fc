"""Nothing that holds a secret shows it when it is printed, as a log or a debugger would."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any
from unittest.mock import MagicMock

import pytest

import app
import reconciler

CANARY = "canary-5f1c"
# How secrets are called wherever they are text; what is sealed or hashed is bytes.
SECRETS = {
    *("password", "current_password", "new_password", "ttyd_password", "secret", "dotenv"),
    *("token", "access_token", "refresh_token", "api_key", "authorization", "cookie"),
    *("connection_params", "verifier", "nonce", "authority", "chain", "value", "shown", "body"),
}
# What only a developer's machine has: the simulator, and the start of `mooring dev`.
ELSEWHERE = ("reconciler.simulator", "app.supervisor")


def holders() -> Iterator[type]:
    """The classes of both processes that have such a field."""
    for package in (app, reconciler):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__") or found.name.startswith(ELSEWHERE):
                continue
            module = importlib.import_module(found.name)
            for one in vars(module).values():
                if isinstance(one, type) and one.__module__ == found.name and secret_fields(one):
                    yield one


def secret_fields(one: type) -> set[str]:
    if not is_dataclass(one):
        return set()
    return {f.name for f in fields(one) if f.name in SECRETS and "bytes" not in str(f.type)}


@pytest.mark.parametrize("holder", list(holders()), ids=lambda one: one.__qualname__)
def test_a_secret_is_not_printed(holder: type) -> None:
    held: Any = object.__new__(holder)
    for one in fields(holder):
        secret = one.name in secret_fields(holder)
        object.__setattr__(held, one.name, CANARY if secret else MagicMock())

    assert CANARY not in repr(held)


def test_there_are_such_classes() -> None:
    assert len(list(holders())) > 20
