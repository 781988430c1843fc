"""Who sees what: the one condition that every statement on users' rows carries.

Statements put `VISIBLE` behind the table's alias (`p.{VISIBLE}`) and add the binds of
`visible_to(viewer)`. A row of another account is then simply not there: absent and forbidden look
alike.
"""

from uuid import UUID

from app.domain.viewer import Scope

VISIBLE = "account_id = ANY(CAST(:viewer_accounts AS uuid[]))"


def visible_to(viewer: Scope) -> dict[str, list[UUID]]:
    """The binds of `VISIBLE` for this viewer."""
    return {"viewer_accounts": list(viewer.accounts)}
