"""Which keys seal values, and how many: told to processes that may not see the values."""

from alembic import op

revision = "2026_11_25_keys_in_use"
down_revision = "2026_11_25_pruning"
branch_labels = None
depends_on = None

# app.db.sealed.SEALED, as it was at this revision; a test compares.
_COLUMNS = {
    "sandbox": ["ttyd_password"],
    "database": ["password"],
    "environment": ["value"],
    "credential": ["model"],
    "user_config": ["value"],
    "anthropic_version": ["value"],
    "user_identity": ["access_token", "refresh_token"],
}


def upgrade() -> None:
    # The longest id has 32 characters; a slice spares the rest of a long value.
    heads = " UNION ALL ".join(
        f"SELECT substring({column} FROM 1 FOR 130) AS head FROM {table}"
        for table, columns in _COLUMNS.items()
        for column in columns
    )
    op.execute(
        "CREATE FUNCTION mooring_keys_in_use() RETURNS TABLE (key bytea, used bigint)"
        " LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$"
        f" SELECT substring(head FROM 3 FOR get_byte(head, 1)), count(*) FROM ({heads}) h"
        " WHERE length(head) > 2 GROUP BY 1 $$"
    )
    op.execute("REVOKE ALL ON FUNCTION mooring_keys_in_use FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION mooring_keys_in_use")
