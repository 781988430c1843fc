"""Who sees what: the one condition that every statement on users' rows carries.

Statements put `visible(alias)` into their condition and add the binds of `visible_to(viewer)`. A
row of another account, or of a project that the viewer's token is not for, is then simply not
there: absent and forbidden look alike.
"""

from uuid import UUID

from app.domain.viewer import Scope


def visible(table: str, project: str = "project_id") -> str:
    """The condition on rows of `table` (an alias), whose column `project` names their project."""
    return (
        f"({table}.account_id = ANY(CAST(:viewer_accounts AS uuid[]))"
        f" AND (CAST(:viewer_projects AS uuid[]) IS NULL"
        f" OR {table}.{project} = ANY(CAST(:viewer_projects AS uuid[]))))"
    )


def visible_to(viewer: Scope) -> dict[str, list[UUID] | None]:
    """The binds of `visible` for this viewer."""
    only = viewer.projects
    return {
        "viewer_accounts": list(viewer.accounts),
        "viewer_projects": None if only is None else list(only),
    }
