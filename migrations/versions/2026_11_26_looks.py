"""How many looks at a kubeconfig in a row came to no end, and until when it rests then."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_26_looks"
down_revision = "2026_11_26_definitions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    crashes = sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False)
    op.add_column("credential", crashes)
    op.add_column("credential", sa.Column("held_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("credential", "held_until")
    op.drop_column("credential", "crashes")
