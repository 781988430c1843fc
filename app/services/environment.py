"""Verbs on the variables of a project: each edit is one intent, which restarts its sandboxes once.

Edits are accepted in any state of the project; one that changes nothing of what sandboxes see
restarts nothing, and one that changes nothing at all is a success without a trace. The limits of
the whole hold under concurrency, because the project is locked before its variables are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.db import environment, projects
from app.db.environment import COLUMN, TABLE, NewVariable, VariableRow
from app.db.projects import LockedProject
from app.db.session import Session
from app.domain.dotenv import DotenvError, Entry, parse
from app.domain.environment import (
    Given,
    Variable,
    Variables,
    check_category,
    check_each,
    check_key,
    check_room,
    check_value,
    edited,
    runs_with,
    told,
)
from app.domain.errors import DeletionRequested, InputErrorCode, NotFound
from app.domain.ids import new_id
from app.domain.states import DesiredState
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.secrets.keyring import KeyRing
from app.services import intents

VERB = "environment"
# Problems of one file that are told at once.
_TOLD = 20


async def put(
    session: Session,
    viewer: Viewer,
    keys: KeyRing,
    project_id: UUID,
    given: Given,
    *,
    if_generation: int | None = None,
) -> VariableRow:
    """Set one variable."""
    check = Check()
    check_key(check, given.key, ("key",))
    check_value(check, given.value, ("value",))
    check_category(check, given.category, ("category",))
    check.done()
    present = await _lock(session, viewer, keys, project_id, if_generation)
    await _edit(session, keys, present, edited(present.variables, [given]))
    return next(
        row
        for row in await environment.of_projects(session, viewer, [project_id])
        if row.key == given.key
    )


async def replace(
    session: Session,
    viewer: Viewer,
    keys: KeyRing,
    project_id: UUID,
    *,
    category: str,
    given: Sequence[Given],
    if_generation: int | None = None,
) -> None:
    """Make these the variables of a category, all at once; others of it go."""
    check = Check()
    check_category(check, category, ("category",))
    check_each(check, given, ("variables",))
    check.done()
    present = await _lock(session, viewer, keys, project_id, if_generation)
    named = [Given(one.key, one.value, category, one.is_secret) for one in given]
    kept = {one.key for one in given}
    gone = [
        key
        for key, one in present.variables.items()
        if one.category == category and key not in kept
    ]
    await _edit(session, keys, present, edited(present.variables, named, without=gone))


async def merge(
    session: Session,
    viewer: Viewer,
    keys: KeyRing,
    project_id: UUID,
    *,
    text: str,
    category: str | None,
    is_secret: bool | None,
    if_generation: int | None = None,
) -> None:
    """Set what a .env file says, and leave all else; of a key that is there twice the last."""
    check = Check()
    check_category(check, category, ("category",))
    given = {
        one.key: Given(one.key, one.value, category, is_secret) for one in _entries(check, text)
    }
    check.done()
    present = await _lock(session, viewer, keys, project_id, if_generation)
    await _edit(session, keys, present, edited(present.variables, given.values()))


async def delete(
    session: Session,
    viewer: Viewer,
    keys: KeyRing,
    variable_id: UUID,
    *,
    if_generation: int | None = None,
) -> UUID:
    """Remove one variable; the project that it was of."""
    found = await environment.by_ids(session, viewer, [variable_id])
    if not found:
        raise NotFound(field=["id"])
    present = await _lock(session, viewer, keys, found[0].project_id, if_generation)
    gone = next((row.key for row in present.rows if row.id == variable_id), None)
    if gone is None:
        raise NotFound(field=["id"])
    await _edit(session, keys, present, edited(present.variables, (), without=[gone]))
    return present.project.id


def _entries(check: Check, text: str) -> list[Entry]:
    """The variables of a .env file; what is wrong is noted with its line, a few at a time."""
    try:
        entries = parse(text)
    except DotenvError as error:
        entries = []
        check.refuse(InputErrorCode.INVALID, ("dotenv",), f"Line {error.line}: {error.rule}")
    for entry in entries:
        line = Check()
        check_key(line, entry.key, ())
        check_value(line, entry.value, ())
        for problem in line.problems[: max(_TOLD - len(check.problems), 0)]:
            check.refuse(problem.code, ("dotenv",), f"Line {entry.line}: {problem.message}")
    return entries


def opened(keys: KeyRing, row: VariableRow) -> str:
    """The value of a variable."""
    return keys.open(row.value, TABLE, row.id, COLUMN)


@dataclass(frozen=True, slots=True)
class _Present:
    """A locked project with its variables."""

    project: LockedProject
    rows: Sequence[VariableRow]
    variables: Variables


async def _lock(
    session: Session, viewer: Viewer, keys: KeyRing, project_id: UUID, if_generation: int | None
) -> _Present:
    project = await projects.lock(session, viewer, project_id)
    if project is None:
        raise NotFound(field=["projectId"])
    intents.refuse_late(project.generation, if_generation)
    if project.desired_state == DesiredState.DELETED:
        raise DeletionRequested
    rows = await environment.of_projects(session, viewer, [project_id])
    variables = {
        row.key: Variable(row.key, opened(keys, row), row.category, row.is_secret) for row in rows
    }
    return _Present(project, rows, variables)


async def _edit(session: Session, keys: KeyRing, present: _Present, after: Variables) -> None:
    """Write what differs and want it; InvalidInput when all together is too much."""
    before, project = present.variables, present.project
    if after == before:
        return
    check = Check()
    check_room(check, after)
    check.done()
    key_of = {row.key: row.id for row in present.rows}
    put = [_row(keys, key_of, one) for key, one in after.items() if before.get(key) != one]
    await environment.put(session, account_id=project.account_id, project_id=project.id, rows=put)
    await environment.delete(session, [key_of[key] for key in before.keys() - after.keys()])
    words = told(before, after)
    if runs_with(after) != runs_with(before):
        await intents.edit(session, [project], VERB, words)
    else:
        await projects.intend(session, project.id, None)
        await projects.settle(session, [project], VERB, words)


def _row(keys: KeyRing, key_of: dict[str, UUID], one: Variable) -> NewVariable:
    key = key_of.get(one.key) or new_id()
    sealed = keys.seal(one.value, TABLE, key, COLUMN)
    return NewVariable(key, one.key, sealed, one.category, one.is_secret)
