"""A row's next attempt is its next look, and none while the circuit to its cluster is open."""

from alembic import op

revision = "2026_11_26_held"
down_revision = "2026_11_26_drift"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What it says is the next look, as `due_at`, until that has been.
    op.execute("ALTER TABLE resource RENAME COLUMN next_attempt_at TO held_until")


def downgrade() -> None:
    op.execute("ALTER TABLE resource RENAME COLUMN held_until TO next_attempt_at")
