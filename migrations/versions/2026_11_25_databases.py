"""Databases: the second kind of resource."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_25_databases"
down_revision = "2026_11_25_first"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A migration that waits for a lock makes every later statement wait behind it: give up instead.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint("kind_known", "resource")
    op.create_check_constraint("kind_known", "resource", "kind IN ('SANDBOX', 'DATABASE')")
    op.create_table(
        "database",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("k8s_namespace", sa.Text(), nullable=False),
        sa.Column("k8s_name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("replicas", sa.Integer(), nullable=False),
        sa.Column("cpu", sa.Text(), nullable=False),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.Column("storage", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("database", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("observed_version", sa.Text(), nullable=True),
        sa.Column("password", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["resource.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("k8s_namespace", "k8s_name"),
    )


def downgrade() -> None:
    """Databases are forgotten: what is in the cluster for them is left there."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("database")
    op.execute("DELETE FROM resource WHERE kind = 'DATABASE'")
    op.drop_constraint("kind_known", "resource")
    op.create_check_constraint("kind_known", "resource", "kind IN ('SANDBOX')")
