"""Projects by name and by text: folded columns, and an index for each order that has one.

Revision: 2026_11_25_project_lists
"""

import sqlalchemy as sa
from alembic import op

from app.domain.names import folded

revision = "2026_11_25_project_lists"
down_revision = "2026_11_25_databases"
branch_labels = None
depends_on = None

_FILL = sa.text(
    "UPDATE project SET name_folded = :name, description_folded = :description WHERE id = :id"
)


def upgrade() -> None:
    # A migration that waits for a lock makes every later statement wait behind it: give up instead.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("project", sa.Column("name_folded", sa.Text(collation="C"), nullable=True))
    op.add_column("project", sa.Column("description_folded", sa.Text(collation="C"), nullable=True))
    rows = op.get_bind().execute(sa.text("SELECT id, name, description FROM project"))
    for row in rows.all():
        description = None if row.description is None else folded(row.description)
        op.get_bind().execute(
            _FILL, {"id": row.id, "name": folded(row.name), "description": description}
        )
    op.alter_column("project", "name_folded", nullable=False)
    op.drop_index("project_list", table_name="project")
    op.create_index("project_created", "project", ["account_id", "created_at", "id"])
    op.create_index("project_name", "project", ["account_id", "name_folded", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("project_name", table_name="project")
    op.drop_index("project_created", table_name="project")
    op.create_index("project_list", "project", ["account_id", sa.literal_column("id DESC")])
    op.drop_column("project", "description_folded")
    op.drop_column("project", "name_folded")
