"""How often a resource went down lately, and which volumes it runs with."""

from alembic import op

revision = "2026_11_26_drift"
down_revision = "2026_11_26_trace"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE resource ADD COLUMN falls smallint NOT NULL DEFAULT 0,"
        " ADD COLUMN falling_since timestamptz, ADD COLUMN fell_at timestamptz,"
        " ADD COLUMN up_since timestamptz"
    )
    op.execute("ALTER TABLE sandbox ADD COLUMN volumes text")
    op.execute("ALTER TABLE database ADD COLUMN volumes text")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE resource DROP COLUMN falls, DROP COLUMN falling_since, DROP COLUMN fell_at,"
        " DROP COLUMN up_since"
    )
    op.execute("ALTER TABLE sandbox DROP COLUMN volumes")
    op.execute("ALTER TABLE database DROP COLUMN volumes")
