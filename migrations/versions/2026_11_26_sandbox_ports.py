"""Ports that a sandbox opens beside its own two."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_sandbox_ports"
down_revision = "2026_11_26_released"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A migration that waits for a lock makes every later statement wait behind it: give up instead.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "sandbox_port",
        sa.Column("sandbox_id", sa.Uuid(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("mooring_now()"),
            nullable=False,
        ),
        sa.CheckConstraint("port BETWEEN 1024 AND 65535", name="port_free"),
        sa.ForeignKeyConstraint(["sandbox_id"], ["sandbox.id"]),
        sa.PrimaryKeyConstraint("sandbox_id", "port"),
    )


def downgrade() -> None:
    """Opened ports are forgotten; the next pass over their sandboxes closes them."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("sandbox_port")
