"""Of which CRDs there may be objects of a resource; of those that are here already, of any."""

from alembic import op

revision = "2026_11_26_definitions"
down_revision = "2026_11_26_held"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("sandbox", "database"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN definitions text[] NOT NULL DEFAULT '{{*}}'")
        op.execute(f"ALTER TABLE {table} ALTER COLUMN definitions SET DEFAULT '{{}}'")


def downgrade() -> None:
    for table in ("sandbox", "database"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN definitions")
