"""Refused mutations become lines of the audit: here, since whatever the verb wrote is undone.

Only what tells of somebody who tries more than he may: no mere input error, nothing of somebody who
is not signed in (sign-ins note their own refusals), and of one user a bounded number in an hour.
Written in a transaction of its own; should that fail, the answer is the refusal all the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from graphql import ArgumentNode, FieldNode, GraphQLError, StringValueNode, VariableNode

from app.db import audit
from app.db.audit import Entry, Outcome
from app.db.session import AWAY, Session
from app.domain import actions, ids
from app.domain.errors import ErrorCode
from app.domain.viewer import Viewer
from app.graphql.context import Context

log = structlog.get_logger(__name__)

_TOLD: Final = frozenset(
    {
        ErrorCode.FORBIDDEN,
        ErrorCode.FRESH_SIGN_IN_REQUIRED,
        ErrorCode.BAD_CREDENTIALS,
        ErrorCode.NOT_FOUND,
    }
)
# They note their own, by whoever it is that asks.
_SIGN_INS: Final = frozenset({"signIn", "signInWithSealos"})


async def note(
    context: Context, errors: Sequence[GraphQLError], variables: Mapping[str, Any]
) -> None:
    """Write down what of `errors` matters; `variables` are the operation's."""
    viewer = context.signed_in
    entries = [entry for error in errors if (entry := _entry(error, variables))]
    if viewer is None or not entries:
        return
    try:
        await context.state.database.transact(
            viewer, lambda session: _write(session, viewer, entries)
        )
    except AWAY as error:
        log.warning("a refusal is not in the audit", error=repr(error))


async def _write(session: Session, viewer: Viewer, entries: Sequence[Entry]) -> None:
    session.entries += entries[: await audit.room(session, viewer.user_id)]


def _entry(error: GraphQLError, variables: Mapping[str, Any]) -> Entry | None:
    """The line of one error; None when it is no refusal of a whole mutation."""
    code = (error.extensions or {}).get("code")
    node = error.nodes[0] if error.nodes else None
    if code not in _TOLD or not isinstance(node, FieldNode):
        return None
    action = actions.OF_MUTATION.get(node.name.value)
    if action is None or node.name.value in _SIGN_INS or len(error.path or ()) != 1:
        return None
    given = (ids.decode(_text(argument, variables)) for argument in node.arguments or ())
    kind, key, _ = next(filter(None, given), (None, None, None))
    return Entry(
        action,
        Outcome.REFUSED,
        subject_type=None if kind is None else kind.type_name,
        subject_id=key,
        detail={"code": code},
    )


def _text(argument: ArgumentNode, variables: Mapping[str, Any]) -> str:
    """What was given as a global id; empty where it is something else."""
    node, given = argument.value, None
    if isinstance(node, VariableNode):
        given = variables.get(node.name.value)
    elif isinstance(node, StringValueNode):
        given = node.value
    named = argument.name.value.lower().endswith("id")
    return given if named and isinstance(given, str) else ""
