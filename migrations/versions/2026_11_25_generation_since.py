"""When a generation was asked for: the deadline of one that no pass could look at yet."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_generation_since"
down_revision = "2026_11_25_project_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "resource",
        sa.Column(
            "generation_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("mooring_now()"),
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("resource", "generation_since")
