"""The verb on a user's Anthropic settings: stored like any setting, and a new version of what the
account's sandboxes run with, which reaches them at once or when they are next started."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from app.db import anthropic as versions
from app.db import projects, user_config
from app.db.anthropic import COLUMN, TABLE, Version
from app.db.session import Session
from app.db.user_config import SettingRow
from app.domain import anthropic
from app.domain.anthropic import SECRET, Apply
from app.domain.environment import Given
from app.domain.errors import NotFound
from app.domain.ids import new_id
from app.domain.settings import Category
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.secrets.keyring import KeyRing
from app.services import intents, settings

VERB = "settings"


async def put(
    session: Session,
    viewer: Viewer,
    keys: KeyRing,
    given: Mapping[str, str | None],
    *,
    apply: Apply,
    http: bool,
) -> tuple[Sequence[SettingRow], int]:
    """Set those that are given, None clears; all of them, and how many sandboxes were reached."""
    check = Check()
    anthropic.check(check, given, http=http)
    check.done()
    locked = await settings.lock(session, viewer)
    after = await _write(session, viewer, keys, locked, given)
    reached = await _reach(session, viewer, keys, anthropic.variables(after), apply)
    rows = await user_config.of_user(session, viewer.user_id)
    return [row for row in rows if row.category is Category.ANTHROPIC_API], reached


async def delete(session: Session, viewer: Viewer, keys: KeyRing, setting_id: UUID) -> SettingRow:
    """Remove one setting of any category, as it was; running sandboxes keep one of Anthropic's."""
    found = await settings.lock(session, viewer)
    row = next((one for one in found if one.id == setting_id), None)
    if row is None:
        raise NotFound(field=["id"])
    if row.category is Category.ANTHROPIC_API:
        await put(session, viewer, keys, {row.key: None}, apply=Apply.NEXT_START, http=False)
    else:
        await settings.delete(session, viewer, row)
    return row


async def _write(
    session: Session,
    viewer: Viewer,
    keys: KeyRing,
    locked: Sequence[SettingRow],
    given: Mapping[str, str | None],
) -> dict[str, str]:
    """The settings themselves, as they are then."""
    present = {row.key: row for row in locked if row.category is Category.ANTHROPIC_API}
    before: dict[str, str | None] = {
        key: settings.opened(keys, row) for key, row in present.items()
    }
    after = {key: value for key, value in (before | dict(given)).items() if value is not None}
    gone = [row for key, row in present.items() if key not in after]
    settings.check_room(len(locked) + len(after.keys() - before.keys()) - len(gone))
    put = [
        settings.sealed(
            keys,
            present.get(key),
            Given(key, value, is_secret=key in SECRET),
            Category.ANTHROPIC_API,
        )
        for key, value in after.items()
        if before.get(key) != value
    ]
    await user_config.put(session, viewer.user_id, put)
    for new in put:
        settings.note(session, viewer, "setting.set", new)
    for row in gone:
        await settings.delete(session, viewer, row)
    return after


async def _reach(
    session: Session, viewer: Viewer, keys: KeyRing, variables: Mapping[str, str], apply: Apply
) -> int:
    """Make them the newest version, and have all sandboxes run with it if that is to be at once."""
    account, said = viewer.home, json.dumps(variables, sort_keys=True)
    owned = await projects.lock_owned(session, viewer, account)
    newest = await versions.newest(session, account)
    known = "{}" if newest is None else keys.open(newest.value, TABLE, newest.id, COLUMN)
    if known != said:
        key = new_id()
        newest = Version(key, keys.seal(said, TABLE, key, COLUMN))
        await versions.add(session, account, newest)
    reached = []
    if apply is Apply.AT_ONCE:
        reached = list(
            await versions.lagging(session, [p.id for p in owned], newest.id if newest else None)
        )
    if reached:
        among = {one.project_id for one in reached}
        moved = [one.id for one in reached]
        await versions.give(session, moved)
        await intents.edit(session, [p for p in owned if p.id in among], VERB, only=moved)
    await versions.prune(session, [account])
    return len(reached)
