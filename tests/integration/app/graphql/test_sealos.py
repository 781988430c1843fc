"""Signing in from Sealos: who comes in, with which kubeconfig, and who does not."""

import json
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.db.credentials import COLUMN, TABLE
from app.db.session import Database
from app.domain.kubeconfig import Kubeconfig
from app.domain.viewer import API
from app.settings import Settings
from tests.integration.app.graphql.conftest import Ask, asker, state_of
from tests.integration.app.graphql.walk import contents
from tests.integration.world import KEYS, viewer_of
from tests.kubeconfigs import Tree, changed, good
from tests.sealos import NEW, OLD, signed

SIGN_IN = """mutation ($input: SealosInput!) { signInWithSealos(input: $input) {
  credentials { accessToken user { login } } errors { code field message } } }"""
LINK = """mutation ($input: SealosInput!) { linkSealos(input: $input) {
  identity { provider providerUserId name } errors { code field } } }"""
MINE = "{ me { login identities { provider providerUserId } } }"
IN_THERE = ("contexts", 0, "context", "namespace")


def settings(**more: Any) -> Settings:
    given: dict[str, Any] = {
        "sealos_jwt_secrets": SecretStr(f"{OLD},{NEW}"),
        "sign_up": ["SEALOS"],
    }
    return Settings(**(given | more))


@pytest.fixture
def ask(api_database: Database) -> Ask:
    """Where Sealos is a way in, for new users too."""
    return asker(state_of(api_database, settings()))


def brought(namespace: str = "ns-ada", token: str = "kube-token") -> Tree:
    return changed(good(token=token), *IN_THERE, to=namespace)


def given(token: str | None = None, tree: Tree | None = None) -> dict[str, str]:
    return {"token": token or signed(), "kubeconfig": json.dumps(tree or brought())}


async def rows(database: Database, statement: str) -> list[Any]:
    async with database.read(API) as connection:
        return list((await connection.execute(text(statement))).all())


async def test_a_desktop_s_user_comes_in_with_the_kubeconfig(ask: Ask, database: Database) -> None:
    first = await ask(None, SIGN_IN, input=given())
    second = await ask(None, SIGN_IN, input=given(signed(NEW), brought(token="newer-token")))

    made = first["data"]["signInWithSealos"]
    assert made["errors"] == []
    assert made["credentials"]["user"] == {"login": "ada-cr"}
    mine = await ask(second["data"]["signInWithSealos"]["credentials"]["accessToken"], MINE)
    assert mine["data"]["me"] == {
        "login": "ada-cr",
        "identities": [{"provider": "SEALOS", "providerUserId": "ada-id"}],
    }
    [row] = await rows(database, "SELECT id, model, k8s_namespace, generation FROM credential")
    kept = Kubeconfig.load(KEYS.open(row.model, TABLE, row.id, COLUMN))
    assert (row.k8s_namespace, row.generation) == ("ns-ada", 2)
    assert "newer-token" in kept.dump()


async def test_all_of_it_is_in_the_audit_as_the_user_s_doing(ask: Ask, database: Database) -> None:
    await ask(None, SIGN_IN, input=given())

    lines = await rows(database, "SELECT action, actor_kind, actor_name FROM audit ORDER BY id")

    assert {line.action for line in lines} >= {"user.sign-up", "sign-in.done", "kubeconfig.set"}
    assert {(line.actor_kind, line.actor_name) for line in lines} == {("USER", "ada-cr")}


@pytest.mark.parametrize(
    "tree",
    [
        brought("ns-eve"),
        brought("default"),
        changed(brought(), *IN_THERE, to=...),
        changed(brought(), "clusters", 0, "cluster", "server", to="https://127.0.0.1"),
        changed(brought(), "users", 0, "user", to={"exec": {"command": "sh"}}),
    ],
)
async def test_a_kubeconfig_of_elsewhere_lets_nobody_in(
    ask: Ask, database: Database, tree: Tree
) -> None:
    before = await contents(database)

    answer = await ask(None, SIGN_IN, input=given(tree=tree))

    refused = answer["data"]["signInWithSealos"]
    assert refused["credentials"] is None
    assert {error["field"][0] for error in refused["errors"]} == {"kubeconfig"}
    assert await contents(database) == before


async def test_another_workspace_is_named_as_what_is_wrong(ask: Ask) -> None:
    answer = await ask(None, SIGN_IN, input=given(tree=brought("ns-eve")))

    [error] = answer["data"]["signInWithSealos"]["errors"]
    assert error["code"] == "NOT_ALLOWED"
    assert "context.namespace" in error["message"]


async def test_a_token_that_is_not_good_lets_nobody_in_and_is_noted(
    ask: Ask, database: Database
) -> None:
    answer = await ask(None, SIGN_IN, input=given(signed("x" * 32)))

    assert answer["codes"] == ["BAD_CREDENTIALS"]
    [line] = await rows(database, "SELECT action, outcome, detail FROM audit")
    assert (line.action, line.outcome) == ("sign-in.refused", "REFUSED")
    assert line.detail == {"provider": "SEALOS", "reason": "BAD_TOKEN"}
    assert await rows(database, 'SELECT 1 FROM "user"') == []


async def test_nobody_new_comes_where_new_users_do_not(
    api_database: Database, database: Database
) -> None:
    ask = asker(state_of(api_database, settings(sign_up=["PASSWORD"])))

    answer = await ask(None, SIGN_IN, input=given())

    assert answer["codes"] == ["BAD_CREDENTIALS"]
    assert await rows(database, 'SELECT 1 FROM "user"') == []


async def test_without_a_secret_the_way_is_off(api_database: Database) -> None:
    ask = asker(state_of(api_database, Settings()))

    answer = await ask(None, SIGN_IN, input=given())
    methods = await ask(None, "{ signInMethods { provider } }")

    assert answer["data"]["signInWithSealos"]["errors"][0]["code"] == "NOT_ALLOWED"
    assert methods["data"]["signInMethods"] == [{"provider": "PASSWORD"}]


async def test_who_is_signed_in_links_sealos_once(ask: Ask, database: Database) -> None:
    ada, bob = await viewer_of(database, "ada"), await viewer_of(database, "bob")

    linked = await ask(ada, LINK, input=given())
    signed_in = await ask(None, SIGN_IN, input=given())
    taken = await ask(bob, LINK, input=given())
    bad = await ask(bob, LINK, input=given(signed("x" * 32)))

    assert linked["data"]["linkSealos"] == {
        "identity": {"provider": "SEALOS", "providerUserId": "ada-id", "name": "ada-cr"},
        "errors": [],
    }
    assert signed_in["data"]["signInWithSealos"]["credentials"]["user"] == {"login": "ada"}
    assert taken["data"]["linkSealos"]["errors"] == [{"code": "TAKEN", "field": ["token"]}]
    assert bad["codes"] == ["BAD_CREDENTIALS"]
    assert len(await rows(database, "SELECT 1 FROM credential")) == 1
