"""Which request a resource's last intent came with."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_trace"
down_revision = "2026_11_26_mark"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A migration that waits for a lock makes every later statement wait behind it: give up instead.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("resource", sa.Column("trace_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("resource", "trace_id")
