"""Each account has a name for its namespace in the operator's cluster."""

from alembic import op

revision = "2026_11_26_namespaces"
down_revision = "2026_11_25_keys_in_use"
branch_labels = None
depends_on = None

# app.domain.names.namespace_name, for logins, which are of a-z, 0-9 and - only. With the account:
# an API process of the release before draws none.
_RANDOM = (
    "translate(left(replace(gen_random_uuid()::text, '-', ''), 8), '0123456789', 'ghijklmnop')"
)
_SLUG = "rtrim(left(coalesce(nullif(trim(both '-' from login), ''), 'account'), 20), '-')"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE account ADD COLUMN k8s_namespace text NOT NULL"
        f" DEFAULT 'mooring-account-' || {_RANDOM}"
    )
    op.execute(f"UPDATE account SET k8s_namespace = 'mooring-' || {_SLUG} || '-' || {_RANDOM}")
    op.execute(
        "ALTER TABLE account ADD CONSTRAINT account_k8s_namespace_key UNIQUE (k8s_namespace)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE account DROP COLUMN k8s_namespace")
