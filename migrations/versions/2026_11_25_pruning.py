"""What takes old rows away is the owner's: the API's role sees one viewer's rows at a time."""

from alembic import op

revision = "2026_11_25_pruning"
down_revision = "2026_11_25_identity"
branch_labels = None
depends_on = None

# Never what is younger than a day, whoever asks: cursors may be that old (settings.keep_changes).
# Of the audit never what is younger than 90 days: the API's role cannot wipe its traces.
# A key may be in use again at this moment: its own mutation takes the old answer away then.
_FUNCTIONS = {
    "mooring_take_changes(keep interval, most int)": """
DELETE FROM change WHERE (account_id, seq) IN (
  SELECT c.account_id, c.seq FROM change c JOIN feed f USING (account_id)
  WHERE c.at < mooring_now() - greatest(keep, interval '1 day') AND c.seq <= f.floor LIMIT most)
RETURNING 1
""",
    "mooring_raise_floors(keep interval)": """
WITH old AS MATERIALIZED (
  SELECT account_id, max(seq) AS seq FROM change
  WHERE at < mooring_now() - greatest(keep, interval '1 day') GROUP BY 1),
l AS MATERIALIZED (
  SELECT f.account_id FROM feed f JOIN old USING (account_id) WHERE f.floor < old.seq
  ORDER BY f.account_id FOR NO KEY UPDATE OF f SKIP LOCKED)
UPDATE feed f SET floor = old.seq FROM old JOIN l USING (account_id)
WHERE f.account_id = old.account_id RETURNING 1
""",
    "mooring_take_answers(most int)": """
DELETE FROM idempotency WHERE (user_id, mutation, key) IN (
  SELECT user_id, mutation, key FROM idempotency
  WHERE created_at < mooring_now() - interval '24 hours' LIMIT most FOR UPDATE SKIP LOCKED)
RETURNING 1
""",
    "mooring_take_audit(keep interval, most int)": """
DELETE FROM audit WHERE id IN (
  SELECT id FROM audit WHERE at < mooring_now() - greatest(keep, interval '90 days')
  ORDER BY at LIMIT most)
RETURNING 1
""",
}


def upgrade() -> None:
    for head, body in _FUNCTIONS.items():
        name = head.partition("(")[0]
        # The search path is its own: nobody's temporary table stands in for one of ours.
        op.execute(
            f"CREATE FUNCTION {head} RETURNS SETOF int LANGUAGE sql SECURITY DEFINER"
            f" SET search_path = pg_catalog, public, pg_temp AS $${body}$$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")


def downgrade() -> None:
    for head in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {head.partition('(')[0]}")
