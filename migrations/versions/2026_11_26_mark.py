"""What an installation marks its objects in clusters with: two in one cluster know theirs apart."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_mark"
down_revision = "2026_11_26_crashes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A migration that waits for a lock makes every later statement wait behind it: give up instead.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "installation",
        sa.Column("mark", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
    )


def downgrade() -> None:
    """The mark is lost; another one is made by the next upgrade, and objects get it in time."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("installation", "mark")
