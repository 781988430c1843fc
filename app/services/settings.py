"""Verbs on what a user configures: each takes an open session and a viewer, and commits nothing.

The account is locked first: so the limit on the number of settings holds, and settings that reach
sandboxes do so one after the other.
"""

from collections.abc import Sequence

from app.db import accounts, user_config
from app.db.audit import Entry
from app.db.session import Session
from app.db.user_config import COLUMN, TABLE, NewSetting, SettingRow
from app.db.wakeups import settings_channel
from app.domain import limits
from app.domain.environment import Given, check_value
from app.domain.errors import InputErrorCode
from app.domain.ids import new_id
from app.domain.settings import Category, check_setting
from app.domain.validation import Check
from app.domain.viewer import Viewer
from app.secrets.keyring import KeyRing


async def put(
    session: Session, viewer: Viewer, keys: KeyRing, given: Given, category: Category | None
) -> SettingRow:
    """Set one."""
    check = Check()
    check_setting(check, given.key, category)
    check_value(check, given.value, ("value",))
    check.done()
    present = await lock(session, viewer)
    before = next((row for row in present if row.key == given.key), None)
    if category is None:
        category = before.category if before else Category.GENERAL
    after = sealed(keys, before, given, category)
    if before is not None and _same(keys, before, after, given.value):
        return before
    check_room(len(present) + (before is None))
    await user_config.put(session, viewer.user_id, [after])
    note(session, viewer, "setting.set", after)
    return await _read(session, viewer, given.key)


async def delete(session: Session, viewer: Viewer, row: SettingRow) -> None:
    """Remove one; the account is locked."""
    await user_config.delete(session, viewer.user_id, [row.id])
    note(session, viewer, "setting.delete", row)


async def lock(session: Session, viewer: Viewer) -> Sequence[SettingRow]:
    """Lock the viewer's account for a change of settings, and give the present ones."""
    await accounts.lock(session, viewer.home)
    return await user_config.of_user(session, viewer.user_id)


def opened(keys: KeyRing, row: SettingRow) -> str:
    """The value of a setting."""
    return keys.open(row.value, TABLE, row.id, COLUMN)


def sealed(
    keys: KeyRing, before: SettingRow | None, given: Given, category: Category
) -> NewSetting:
    """A setting to be written over `before`, or as a new one; secret unless it is said."""
    row = before.id if before else new_id()
    value = keys.seal(given.value, TABLE, row, COLUMN)
    secret = given.is_secret
    if secret is None:
        secret = before.is_secret if before else True
    return NewSetting(row, given.key, value, category, secret)


def check_room(count: int) -> None:
    """InvalidInput when a user would have so many."""
    check = Check()
    if count > limits.SETTINGS_PER_USER:
        most = f"A user has at most {limits.SETTINGS_PER_USER} settings."
        check.refuse(InputErrorCode.NOT_ALLOWED, (), most)
    check.done()


def note(session: Session, viewer: Viewer, action: str, row: SettingRow | NewSetting) -> None:
    """Tell the audit, and those who watch settings."""
    session.entries.append(
        Entry(
            action=action,
            account_id=viewer.home,
            subject_type="Setting",
            subject_id=row.id,
            subject_name=row.key,
            detail={"category": row.category.value},
        )
    )
    session.channels.add(settings_channel(viewer.home))


async def _read(session: Session, viewer: Viewer, key: str) -> SettingRow:
    rows = await user_config.of_user(session, viewer.user_id)
    return next(row for row in rows if row.key == key)


def _same(keys: KeyRing, before: SettingRow, after: NewSetting, value: str) -> bool:
    kept = (before.category, before.is_secret) == (after.category, after.is_secret)
    return kept and opened(keys, before) == value
