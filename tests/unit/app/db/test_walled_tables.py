"""Every table that holds users' rows has a policy, or a reason."""

from app.db.models import Base
from app.db.policies import OPEN, WALLED

USERS = {"account_id", "user_id", "owner_id", "project_id", "resource_id"}


def test_every_table_of_users_rows_is_walled_or_named_with_a_reason() -> None:
    theirs = {
        name for name, table in Base.metadata.tables.items() if USERS & set(table.columns.keys())
    }

    assert theirs == set(WALLED) | set(OPEN)
    assert not set(WALLED) & set(OPEN)
