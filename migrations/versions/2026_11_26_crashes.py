"""How many claims of a resource in a row came to no end."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_crashes"
down_revision = "2026_11_26_closing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "resource", sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("resource", "crashes")
