"""The ways to sign in, as the settings switch them."""

from typing import Any

import pytest

from app.db.session import Database
from app.settings import Settings
from tests.integration.app.graphql.conftest import Ask, asker, state_of

UP = """mutation { signUp(input: {login: "ada", password: "correct horse battery"}) {
  errors { code field } } }"""
IN = 'mutation { signIn(input: {login: "ada", password: "wrong"}) { credentials { expiresAt } } }'
METHODS = "{ signInMethods { provider signUp url } }"


def asked_with(database: Database, **settings: Any) -> Ask:
    return asker(state_of(database, Settings(**settings)))


async def test_without_a_word_of_the_operator_nobody_signs_up(database: Database) -> None:
    ask = asked_with(database)

    up, into, methods = [await ask(None, document) for document in (UP, IN, METHODS)]

    assert up["data"]["signUp"]["errors"] == [{"code": "NOT_ALLOWED", "field": []}]
    assert into["codes"] == ["BAD_CREDENTIALS"]
    assert methods["data"]["signInMethods"] == [
        {"provider": "PASSWORD", "signUp": False, "url": None}
    ]


async def test_passwords_can_be_switched_off(database: Database) -> None:
    ask = asked_with(database, password_sign_in=False, sign_up=["PASSWORD"])

    up, into, methods = [await ask(None, document) for document in (UP, IN, METHODS)]

    assert up["data"]["signUp"]["errors"] == [{"code": "NOT_ALLOWED", "field": []}]
    assert into["codes"] == ["INVALID_INPUT"]
    assert methods["data"]["signInMethods"] == []


@pytest.mark.parametrize("password", ["1234567890", "ada-ada-ada"])
async def test_a_password_that_can_be_guessed_is_no_new_one(ask: Ask, password: str) -> None:
    document = """mutation ($i: SignUpInput!) { signUp(input: $i) {
      credentials { expiresAt } errors { code field } } }"""

    answer = await ask(None, document, i={"login": "ada", "password": password})

    assert answer["data"]["signUp"] == {
        "credentials": None,
        "errors": [{"code": "NOT_ALLOWED", "field": ["password"]}],
    }
