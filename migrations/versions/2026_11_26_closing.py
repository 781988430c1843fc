"""Accounts that are to go: since when, and when they are looked at next; how their rows go."""

from alembic import op

revision = "2026_11_26_closing"
down_revision = "2026_11_26_sandbox_ports"
branch_labels = None
depends_on = None

# Nobody brings anything to an account and its user once their rows are locked: each insert with a
# foreign key to one of them waits. Children by hand, as everywhere: no cascade.
_TAKE = """
DECLARE person uuid;
BEGIN
  SELECT a.owner_id INTO person FROM account a
  WHERE a.id = closed AND a.closing_since IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM project p WHERE p.account_id = closed) FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM 1 FROM "user" u WHERE u.id = person FOR UPDATE;
  DELETE FROM change c WHERE c.account_id = closed;
  DELETE FROM feed f WHERE f.account_id = closed;
  DELETE FROM credential c WHERE c.account_id = closed;
  DELETE FROM anthropic_version v WHERE v.account_id = closed;
  DELETE FROM idempotency i WHERE i.user_id = person;
  DELETE FROM user_config c WHERE c.user_id = person;
  DELETE FROM api_token t WHERE t.user_id = person;
  DELETE FROM session s WHERE s.user_id = person;
  DELETE FROM user_identity i WHERE i.user_id = person;
  DELETE FROM membership m WHERE m.account_id = closed OR m.user_id = person;
  DELETE FROM account a WHERE a.id = closed;
  DELETE FROM "user" u WHERE u.id = person;
  RETURN true;
END
"""


def upgrade() -> None:
    op.execute(
        "ALTER TABLE account ADD COLUMN closing_since timestamptz,"
        " ADD COLUMN closing_due timestamptz"
    )
    op.execute(
        "CREATE INDEX account_closing ON account (closing_due) WHERE closing_since IS NOT NULL"
    )
    # The search path is its own: nobody's temporary table stands in for one of ours.
    op.execute(
        "CREATE FUNCTION mooring_take_account(closed uuid) RETURNS boolean LANGUAGE plpgsql"
        f" SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $${_TAKE}$$"
    )
    op.execute("REVOKE ALL ON FUNCTION mooring_take_account FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION mooring_take_account")
    op.execute("ALTER TABLE account DROP COLUMN closing_since, DROP COLUMN closing_due")
