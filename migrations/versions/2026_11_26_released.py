"""What holds a database's objects after their deletion may be taken off by an order."""

from alembic import op

revision = "2026_11_26_released"
down_revision = "2026_11_26_namespaces"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE database ADD COLUMN released boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE database DROP COLUMN released")
