"""Every mutation leaves a line of its action, done or refused: a walk over all there are."""

from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from app.db.session import Database
from app.domain.actions import NAMES, OF_MUTATION
from app.domain.ids import NodeType, decode
from app.domain.viewer import API
from tests.integration.app.graphql.conftest import Ask
from tests.integration.app.graphql.test_two_users import absent, everything_of
from tests.integration.app.graphql.walk import EXAMPLES, call, fields_of, value_for, walked
from tests.integration.world import KEYS, viewer_of

pytestmark = pytest.mark.security

MUTATIONS = dict(fields_of(walked().mutation_type))
# Mutations that leave no line when they are done, and why.
UNAUDITED: dict[str, str] = {"refreshSession": "every client does it every few minutes"}
# What has to be so that there is something to do: another mutation, or a statement, whose
# `:sealed` is a password of the database.
HASH = PasswordHasher(1, 1024, 1).hash(str(EXAMPLES["ChangePasswordInput"]["currentPassword"]))
BEFORE = {
    "setPassword": "UPDATE user_identity SET provider = 'GITHUB'",
    "changePassword": f"UPDATE user_identity SET secret = '{HASH}'",
    "unlinkIdentity": "INSERT INTO user_identity (id, user_id, provider, provider_user_id,"
    " is_primary) SELECT gen_random_uuid(), user_id, provider, 'another', false FROM user_identity",
    "setPrimaryIdentity": "UPDATE user_identity SET is_primary = false",
    "signIn": "signUp",
    "startProject": "stopProject",
    "startSandbox": "stopSandbox",
    "unexposePort": "exposePort",
    "startDatabase": "stopDatabase",
    "retrySandbox": "UPDATE resource SET reason = 'Crashed'",
    "retryDatabase": "UPDATE resource SET reason = 'Crashed'",
    "revealDatabaseCredentials": "UPDATE database SET host = 'h', port = 5432, database = 'd',"
    " username = 'u', password = :sealed",
    "releaseDatabase": "UPDATE resource SET desired_state = 'DELETED', reason = 'DeleteBlocked'",
    "checkKubeconfig": "setKubeconfig",
    "deleteKubeconfig": "setKubeconfig",
}


async def lines(database: Database) -> list[tuple[str, str]]:
    """All lines there are: action and outcome."""
    async with database.read(API) as connection:
        found = await connection.execute(text("SELECT action, outcome FROM audit ORDER BY at"))
        return [(row.action, row.outcome) for row in found]


async def sent(ask: Ask, viewer: Any, mutation: str, ids: dict[NodeType, str]) -> Any:
    """The answer of the mutation, with good values."""
    document, used = call("mutation", mutation, MUTATIONS[mutation])
    given = {
        argument: value_for(MUTATIONS[mutation], argument, ids[kind_of(mutation, argument)])
        for argument in used
    }
    return await ask(viewer, document, **given)


def kind_of(mutation: str, argument: str) -> NodeType:
    """What an argument is the id of: `projectId` of a project, `id` of what is in the name."""
    about = mutation if argument == "id" else argument.removesuffix("Id")
    fitting = [kind for kind in NodeType if about.lower().endswith(kind.type_name.lower())]
    return max(fitting, key=lambda kind: len(kind.type_name), default=NodeType.USER)


def takes_id(mutation: str) -> bool:
    return any(argument.lower().endswith("id") for argument in MUTATIONS[mutation].args)


@pytest.mark.parametrize("mutation", [name for name in MUTATIONS if name not in UNAUDITED])
async def test_each_mutation_leaves_a_line_of_its_action(
    ask: Ask, database: Database, mutation: str
) -> None:
    viewer = await viewer_of(database)
    ids = await everything_of(database, viewer)
    before = BEFORE.get(mutation)
    if before in MUTATIONS:
        assert not (await sent(ask, viewer, before, ids))["codes"]
    elif before:
        [_, key, _] = decode(ids[NodeType.DATABASE]) or (None, None, None)
        assert key is not None
        sealed = KEYS.seal("secret", "database", key, "password")
        async with database.begin(API) as session:
            given = {"sealed": sealed} if ":sealed" in before else {}
            await session.execute(text(before), given)
    known = await lines(database)

    answer = await sent(ask, viewer, mutation, ids)
    new = (await lines(database))[len(known) :]

    assert answer["codes"] == [], answer
    assert {action for action, _ in new} <= NAMES
    assert (OF_MUTATION[mutation], "DONE") in new


async def test_each_mutation_of_what_is_not_there_leaves_a_refusal(
    ask: Ask, database: Database
) -> None:
    viewer, ids = await viewer_of(database), {kind: absent(kind) for kind in NodeType}
    asked = [name for name in MUTATIONS if takes_id(name)]

    answers = {name: (await sent(ask, viewer, name, ids))["codes"] for name in asked}

    assert answers == {name: ["NOT_FOUND"] for name in asked}
    assert await lines(database) == [(OF_MUTATION[name], "REFUSED") for name in asked]
