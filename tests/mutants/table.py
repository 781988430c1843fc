"""The lines that uphold the nine invariants (docs/reliability.md), and the tests that miss them.

A mutant is one or several replacements in one file, each of text that occurs exactly once. Where
two lines uphold the same thing (a fence that is read and checked again), both go. What no mutant
can show is left out: a line that only makes something sooner.
"""

from dataclasses import dataclass
from typing import Final

INVARIANTS: Final = {
    1: "Intent is never refused because of state, and never lost",
    2: "One writer at a time, fenced",
    3: "Level-triggered",
    4: "No loss for subscribers",
    5: "Gone means gone",
    6: "Failures are explained and retried",
    7: "Drift heals",
    8: "One tenant cannot hurt another",
    9: "Secrets",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """`says` what holds; without it (`edits`: old and new text in `file`) one of `tests` fails."""

    invariant: int
    says: str
    file: str
    edits: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


def _one(invariant: int, says: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(invariant, says, file, ((old, new),), tests)


_CLAIMS = "app/db/claims.py"
_INSPECTIONS = "app/db/inspections.py"
_RECORD = "app/db/record.py"
_RESOURCES = "app/db/resources.py"
_LEASES = "reconciler/leases.py"
_CLAIMING = "reconciler/claiming.py"
_LOOP = "reconciler/loop.py"
_PLAN = "reconciler/plan.py"
_FENCES = "tests/integration/app/db/test_fences.py::test_"
_PROTOCOL = "tests/integration/app/db/test_protocol.py::test_"
_LOOKS = "tests/integration/app/db/test_inspections.py::test_"
_WAKE_UPS = "tests/integration/app/db/test_wake_ups.py::test_"
_HOLDS = "tests/integration/reconciler/test_leases.py::test_"
_CRASHES = "tests/integration/reconciler/test_crashes.py::test_"
_HIDDEN = "tests/integration/reconciler/test_hidden_kinds.py::test_"
_DRIFT = "tests/integration/reconciler/test_drift.py::test_"
_LOOPS = "tests/integration/reconciler/test_loop.py::test_"
_STREAMS = "tests/integration/app/live/test_streams.py::test_"
_PLANS = "tests/unit/reconciler/test_plan.py::test_"

MUTANTS: Final = (
    _one(
        1,
        "a record leaves the lane of whoever asked during the pass",
        _RECORD,
        "CASE WHEN r.asked = i.asked THEN i.lane ELSE r.lane END",
        "i.lane",
        _PROTOCOL + "a_wake_up_during_a_pass_is_not_lost",
    ),
    _one(
        1,
        "and the time",
        _RECORD,
        "CASE WHEN r.asked = i.asked THEN mooring_now() + i.after ELSE r.due_at END",
        "mooring_now() + i.after",
        _PROTOCOL + "a_wake_up_during_a_pass_is_not_lost",
    ),
    _one(
        1,
        "a wake-up is counted",
        _RESOURCES,
        """UPDATE resource r SET {UNMOVED}, asked = asked + 1, due_at = {DUE},
  lane = CASE WHEN desired_state = 'DELETED' THEN 1 ELSE 0 END
FROM k WHERE r.id = k.id
\"""",
        """UPDATE resource r SET {UNMOVED}, due_at = {DUE},
  lane = CASE WHEN desired_state = 'DELETED' THEN 1 ELSE 0 END
FROM k WHERE r.id = k.id
\"""",
        _PROTOCOL + "a_wake_up_during_a_pass_is_not_lost",
    ),
    _one(
        1,
        "an intent is",
        _RESOURCES,
        "asked = asked + 1, lane = CASE WHEN :desired",
        "lane = CASE WHEN :desired",
        _FENCES + "an_intent_during_a_pass_is_not_lost",
    ),
    _one(
        1,
        "what was seen is of the generation that was claimed",
        "app/domain/observation.py",
        "observed_generation=outcome.generation if looked",
        "observed_generation=now.generation if looked",
        _FENCES + "an_intent_during_a_pass_is_not_lost",
    ),
    _one(
        1,
        "an edit is",
        _RESOURCES,
        "asked = asked + 1, lane = 0, due_at = {DUE}\n",
        "lane = 0, due_at = {DUE}\n",
        _FENCES + "an_edit_during_a_pass_is_not_lost",
    ),
    _one(
        1,
        "whom a record concerns is asked by the record itself",
        _RECORD,
        "    if woken:\n",
        "    if False:\n",
        _WAKE_UPS
        + "a_database_that_is_reached_in_another_way_asks_its_sandboxes_in_the_same_commit",
    ),
    _one(
        1,
        "repeating an intent changes nothing",
        "app/services/intents.py",
        "if not members and project.desired_state == desired:",
        "if False:",
        _PROTOCOL + "repeating_an_intent_changes_nothing",
    ),
    _one(
        1,
        "a wish of another generation than that of now is refused",
        "app/services/intents.py",
        "if if_generation is not None and if_generation != generation:",
        "if if_generation is not None and if_generation > generation:",
        "tests/integration/app/graphql/test_if_generation.py"
        "::test_a_stop_that_comes_after_the_start_which_followed_it_is_refused",
    ),
    _one(
        1,
        "a new intent leaves ERROR: a failure is of one generation",
        "app/domain/states.py",
        "lambda r: r.failed_generation == r.generation",
        "lambda r: r.failed_generation is not None",
        "tests/unit/app/domain/test_states.py::test_a_failure_of_the_current_generation_is_an_error",
    ),
    _one(
        2,
        "a result is taken under the token of its claim alone",
        _RECORD,
        '_OURS = "r.id = i.id AND r.lease_token = i.token AND',
        '_OURS = "r.id = i.id AND',
        _PROTOCOL + "a_result_under_an_old_token_is_dropped",
    ),
    Mutant(
        2,
        "and before the end of the lease",
        _RECORD,
        (
            (
                'r.lease_token = i.token AND r.locked_until > mooring_clock()"',
                'r.lease_token = i.token"',
            ),
            (
                " AND r.locked_until > mooring_clock()\nRETURNING r.id, r.status",
                "\nRETURNING r.id, r.status",
            ),
        ),
        (_PROTOCOL + "a_result_after_the_end_of_its_lease_is_dropped",),
    ),
    Mutant(
        2,
        "by the clock of the moment, not of the transaction's beginning",
        _RECORD,
        (
            (
                'r.lease_token = i.token AND r.locked_until > mooring_clock()"',
                'r.lease_token = i.token AND r.locked_until > mooring_now()"',
            ),
            (
                " AND r.locked_until > mooring_clock()\nRETURNING r.id, r.status",
                " AND r.locked_until > mooring_now()\nRETURNING r.id, r.status",
            ),
        ),
        (_FENCES + "a_lease_that_ends_while_its_record_waits_for_a_lock_is_over",),
    ),
    _one(
        2,
        "records of one project wait for each other",
        "app/db/projects.py",
        "WHERE p.id = ANY(CAST(:ids AS uuid[])) ORDER BY p.id FOR NO KEY UPDATE",
        "WHERE p.id = ANY(CAST(:ids AS uuid[])) ORDER BY p.id",
        _FENCES + "of_two_records_of_one_project_the_second_sees_what_the_first_wrote",
    ),
    _one(
        2,
        "a row under lease is not claimed",
        _CLAIMS,
        "{row}.due_at <= mooring_now() AND {row}.locked_until <= mooring_now()",
        "{row}.due_at <= mooring_now()",
        _PROTOCOL + "a_row_under_lease_is_not_claimed_again",
    ),
    _one(
        2,
        "each claim has a token of its own",
        _CLAIMS,
        "lease_token = gen_random_uuid()",
        "lease_token = coalesce(r.lease_token, gen_random_uuid())",
        _PROTOCOL + "a_result_under_an_old_token_is_dropped",
    ),
    _one(
        2,
        "a lease is renewed under its token",
        _CLAIMS,
        "ON r.id = i.id AND r.lease_token = i.token\n  WHERE",
        "ON r.id = i.id\n  WHERE",
        _FENCES + "only_the_holder_renews_and_only_before_the_end",
    ),
    _one(
        2,
        "and before its end",
        _CLAIMS,
        "  WHERE r.locked_until > mooring_clock() ORDER BY r.id FOR NO KEY UPDATE OF r)\n",
        "  ORDER BY r.id FOR NO KEY UPDATE OF r)\n",
        _FENCES + "only_the_holder_renews_and_only_before_the_end",
    ),
    _one(
        2,
        "before the first write the lease is looked at",
        _CLAIMS,
        "WHERE id = :id AND lease_token = :token AND locked_until > mooring_clock()",
        "WHERE id = :id AND coalesce(CAST(:token AS uuid)) IS NOT NULL",
        _FENCES + "a_pass_may_write_while_the_row_is_its_own_and_wants_the_same",
    ),
    _one(
        2,
        "and the generation",
        _CLAIMS,
        "return generation == claim.generation",
        "return generation is not None",
        _FENCES + "a_pass_may_write_while_the_row_is_its_own_and_wants_the_same",
    ),
    _one(
        2,
        "renewal is at a third",
        _LEASES,
        "self._settings.lease / 3",
        "self._settings.lease / 1.5",
        _HOLDS + "a_lease_is_renewed_at_a_third",
    ),
    _one(
        2,
        "a pass stops a margin before the end",
        _LEASES,
        "return lease.until - self._settings.lease_margin",
        "return lease.until",
        _HOLDS + "a_pass_is_stopped_a_margin_before_the_end_of_a_lease_that_cannot_be_renewed",
    ),
    _one(
        2,
        "and at once when the row is another's",
        _LEASES,
        "self._extend(held, sent + self._settings.lease if held.claim.id in kept else sent)",
        "self._extend(held, sent + self._settings.lease)",
        _HOLDS + "a_pass_is_stopped_as_soon_as_a_renewal_finds_the_row_to_be_anothers",
    ),
    _one(
        2,
        "a lease counts from before its claim was sent",
        _CLAIMING,
        "        taken += [self._leases.take(claim, sent) for claim in found]\n",
        "        sent = asyncio.get_running_loop().time()\n"
        "        taken += [self._leases.take(claim, sent) for claim in found]\n",
        _HOLDS + "a_lease_counts_from_before_its_claim_was_sent",
    ),
    _one(
        2,
        "claims that come to no end are counted",
        _CLAIMS,
        "CASE WHEN {row}.locked_by IS NULL THEN 0 ELSE {row}.crashes + 1 END",
        "0",
        _PROTOCOL + "claims_that_come_to_no_end_are_counted_until_one_does",
    ),
    _one(
        2,
        "a row that ends its workers is passed alone",
        _CLAIMS,
        "{row}.locked_by IS NOT NULL AND {row}.crashes + 1 >= {SUSPECT}",
        "{row}.locked_by IS NOT NULL AND {row}.crashes + 1 >= {SUSPECT + 1000}",
        _CRASHES + "a_row_that_kills_its_worker_is_found_and_nobody_beside_it_is_blamed",
    ),
    _one(
        2,
        "and so are looks at kubeconfigs",
        _INSPECTIONS,
        'crashes = {counted("c")}',
        "crashes = 0",
        _LOOKS + "looks_that_come_to_no_end_are_counted_until_one_does",
    ),
    _one(
        2,
        "what stood still for a lease came to no end",
        _LOOP,
        "if not self._leases.alive(claim):\n            # Another's",
        "if False:\n            # Another's",
        _CRASHES + "a_row_whose_pass_stops_the_process_for_a_lease_is_found_too",
    ),
    _one(
        3,
        "the reconciler looks without being told",
        _LOOP,
        "async with asyncio.timeout(longest):",
        "async with asyncio.timeout(None):",
        _LOOPS + "without_any_wake_up_what_is_due_is_found_by_the_poll",
    ),
    _one(
        3,
        "so does the API, for its subscribers",
        "app/live/feeds.py",
        "if known is not None and known.seq != state.seq:",
        "if False:",
        _STREAMS + "without_notify_the_poll_brings_every_change",
    ),
    _one(
        3,
        "a wake-up says nothing but that there may be something",
        "app/live/feeds.py",
        "                found.wake.set()\n\n    async def _read",
        "                pass\n\n    async def _read",
        _STREAMS + "a_listener_that_lost_its_connection_looks_when_it_has_a_new_one",
    ),
    _one(
        4,
        "snapshot and cursor are of one moment",
        "app/db/session.py",
        'isolation_level="REPEATABLE READ"',
        'isolation_level="READ COMMITTED"',
        _FENCES + "a_snapshot_is_of_one_moment",
    ),
    _one(
        4,
        "feeds are locked in their order",
        "app/db/feed.py",
        "  ORDER BY account_id FOR NO KEY UPDATE),",
        "  ORDER BY account_id DESC FOR NO KEY UPDATE),",
        _FENCES + "an_append_locks_feeds_in_their_order",
    ),
    _one(
        4,
        "a cursor that the log cannot serve gets a RESYNC: pruned",
        "app/live/streams.py",
        "state.floor <= self._seqs[state.account_id] <= state.seq",
        "self._seqs[state.account_id] <= state.seq",
        _STREAMS + "a_cursor_that_the_log_cannot_serve_gets_a_resync",
    ),
    _one(
        4,
        "from the future",
        "app/live/streams.py",
        "state.floor <= self._seqs[state.account_id] <= state.seq",
        "state.floor <= self._seqs[state.account_id]",
        _STREAMS + "a_cursor_that_the_log_cannot_serve_gets_a_resync",
    ),
    _one(
        4,
        "of another epoch",
        "app/live/streams.py",
        "if after.epoch != await feed.epoch(connection):",
        "if False:",
        _STREAMS + "a_cursor_that_the_log_cannot_serve_gets_a_resync",
    ),
    _one(
        4,
        "too far behind",
        "app/live/streams.py",
        "            and state.seq - self._seqs[state.account_id] <= self._resync_after\n",
        "",
        _STREAMS + "a_cursor_that_the_log_cannot_serve_gets_a_resync",
    ),
    _one(
        4,
        "who falls behind reads from its cursor",
        "app/live/feeds.py",
        "        except asyncio.QueueFull:\n            self._missed = True",
        "        except asyncio.QueueFull:\n            pass",
        _STREAMS + "a_subscriber_that_falls_behind_still_sees_everything",
    ),
    _one(
        4,
        "no change comes twice",
        "app/live/streams.py",
        "fresh = (item for item in items if item.change.seq > self._seqs[item.change.account_id])",
        "fresh = items",
        _STREAMS + "a_change_that_the_beginning_holds_does_not_come_again",
    ),
    _one(
        5,
        "a row goes only when it is to go",
        _RECORD,
        "empty = outcome.gone and row.desired_state == DesiredState.DELETED",
        "empty = outcome.gone",
        _FENCES + "a_row_goes_only_when_it_is_to_go_and_nobody_has_asked_since",
    ),
    _one(
        5,
        "and nobody has asked since",
        _RECORD,
        "self.goes = empty and row.asked == claim.asked",
        "self.goes = empty",
        _FENCES + "a_row_goes_only_when_it_is_to_go_and_nobody_has_asked_since",
    ),
    _one(
        5,
        "and only after lists of all kinds were empty",
        "reconciler/removal.py",
        "        left = await removal.all()\n",
        "        pass\n",
        _LOOPS + "a_sandbox_runs_stops_starts_and_goes",
    ),
    _one(
        5,
        "those of the other kinds too",
        "reconciler/removal.py",
        "        if not left.objects:\n            await self._add_built_in(left, [kind for",
        "        if False:\n            await self._add_built_in(left, [kind for",
        _LOOPS + "what_is_there_of_another_kind_goes_with_a_sandbox",
    ),
    _one(
        5,
        "those that cannot be seen keep the row",
        "reconciler/removal.py",
        "                left.unseen = left.unseen or error\n",
        "                pass\n",
        _HIDDEN + "routes_of_a_gateway_count_when_the_mode_is_another_by_now",
    ),
    _one(
        5,
        "and so do those whose versions were turned off",
        "reconciler/definitions.py",
        "    refused = refused or await concealed(cluster, name, known)\n",
        "",
        _HIDDEN + "a_version_that_is_turned_off_keeps_a_row_until_it_is_served_again",
    ),
    _one(
        5,
        "whatever the settings are by then: what was written is noted before",
        "reconciler/definitions.py",
        "        return await definitions.add(connection, claim, new)",
        "        return True",
        _HIDDEN + "routes_of_a_gateway_count_when_the_mode_is_another_by_now",
    ),
    _one(
        5,
        "what nobody could write is not noted, and keeps no row",
        "reconciler/definitions.py",
        " for kind in others if await cluster.serves(kind)}",
        " for kind in others}",
        _HIDDEN + "routes_that_nobody_could_write_do_not_keep_a_sandbox",
    ),
    _one(
        5,
        "a workload that lost its label is found by its name",
        "reconciler/removal.py",
        "            if found is not None and plan.is_ours(found, self._claim):",
        "            if False:",
        _DRIFT + "a_workload_that_lost_its_label_goes_with_its_row",
    ),
    _one(
        5,
        "nor is a workload gone that cannot be read",
        "reconciler/removal.py",
        "        left.unseen = left.unseen or refused\n",
        "",
        _HIDDEN + "a_workload_without_its_label_that_cannot_be_read_keeps_the_row",
    ),
    _one(
        6,
        "a transient failure waits twice as long each time",
        _PLAN,
        "2.0 ** min(_unseen_tries(claim, reason), 8)",
        "2.0",
        _PLANS + "the_backoff_doubles_with_full_jitter",
    ),
    _one(
        6,
        "with full jitter",
        _PLAN,
        "seconds=random.uniform(0.1, longest))",
        "seconds=longest)",
        _PLANS + "the_backoff_doubles_with_full_jitter",
    ),
    _one(
        6,
        "a permanent one is an ERROR at once",
        _PLAN,
        "failed=permanent or late,\n        reason",
        "failed=late,\n        reason",
        _PLANS + "a_permanent_reason_that_was_seen_is_a_failure_at_once_and_heals",
    ),
    _one(
        6,
        "past the deadline of its phase it is one",
        _PLAN,
        "_past(claim, claim.phase_since, settings)",
        "_past(claim, claim.claimed_at, settings)",
        _PLANS + "past_its_deadline_a_start_has_failed_with_its_root_cause",
    ),
    _one(
        6,
        "which a generation seen for the first time has before it",
        _PLAN,
        "same = phase == claim.phase and is_observed(claim)",
        "same = phase == claim.phase",
        _PLANS + "the_deadline_counts_from_what_this_generation_showed_first",
    ),
    _one(
        6,
        "and a phase",
        _PLAN,
        "same = phase == claim.phase and is_observed(claim)",
        "same = is_observed(claim)",
        _PLANS + "the_deadline_counts_from_what_this_generation_showed_first",
    ),
    _one(
        6,
        "the time in a phase begins anew with phase or generation",
        _RECORD,
        "CASE WHEN r.phase = i.phase AND r.observed_generation = i.observed_generation",
        "CASE WHEN true",
        _FENCES + "the_time_in_a_phase_begins_anew_with_the_phase_and_with_the_generation",
    ),
    _one(
        6,
        "any other verdict heals",
        "app/domain/observation.py",
        "failed_generation=outcome.generation if outcome.failed else None",
        "failed_generation=outcome.generation if outcome.failed else now.failed_generation",
        "tests/unit/app/domain/test_observation.py::test_any_outcome_but_a_failure_heals",
    ),
    _one(
        6,
        "a row that has ended five workers is not passed",
        _LOOP,
        "if claim.crashes >= CRASHES:",
        "if False:",
        _CRASHES + "it_is_tried_once_at_a_time_and_healed_by_whatever_that_finds",
    ),
    _one(
        6,
        "nor is a kubeconfig looked at that has",
        "reconciler/credentials.py",
        "if looked.crashes >= CRASHES:",
        "if False:",
        "tests/integration/reconciler/test_deadly_kubeconfigs.py"
        "::test_one_that_has_ended_five_workers_is_not_looked_at",
    ),
    _one(
        7,
        "what a watch did not tell is found by a list",
        "reconciler/watch.py",
        "if not bare.finds():",
        "if True:",
        "tests/integration/reconciler/test_cost.py"
        "::test_what_a_watch_does_not_tell_of_is_found_by_a_list_and_comes_back",
    ),
    _one(
        7,
        "what is settled is looked at again",
        _PLAN,
        "seconds=settings.recheck * random.uniform(1, 2)",
        "seconds=settings.recheck * 100",
        _PLANS + "a_settled_row_is_looked_at_again_at_the_re_check",
    ),
    _one(
        7,
        "and at once when something of it moves",
        "reconciler/watch.py",
        "self._note({owner} if owner else set())",
        "pass",
        _LOOPS + "a_service_removed_by_hand_comes_back",
    ),
    _one(
        7,
        "what is missing counts as not held",
        "reconciler/sandboxes.py",
        "index.holds(claim.id, bodies, live)",
        "True",
        _LOOPS + "a_service_removed_by_hand_comes_back",
    ),
    _one(
        8,
        "a verb finds what its viewer may see",
        "app/db/projects.py",
        'WHERE p.id = :id AND {visible("p", "id")} FOR NO KEY UPDATE',
        "WHERE p.id = :id FOR NO KEY UPDATE",
        "tests/unit/app/db/test_first_wall.py::"
        "test_every_statement_on_users_rows_says_whose_or_is_excused",
    ),
    _one(
        8,
        "a stream reads what its viewer may see",
        "app/db/visibility.py",
        "({table}.account_id = ANY(CAST(:viewer_accounts AS uuid[]))",
        "(CAST(:viewer_accounts AS uuid[]) IS NOT NULL",
        _PROTOCOL + "one_user_does_not_see_the_other_ones_project",
    ),
    _one(
        8,
        "Postgres hides others' rows where a statement forgets",
        "app/db/policies.py",
        '"account_id = ANY ((SELECT current_setting',
        '"true OR account_id = ANY ((SELECT current_setting',
        "tests/integration/app/db/test_policies.py::"
        "test_a_statement_without_a_condition_sees_only_the_viewers_rows",
    ),
    Mutant(
        8,
        "accounts take turns in a claim",
        _CLAIMS,
        (
            (
                "LIMIT {ROWS_PER_ACCOUNT} FOR NO KEY UPDATE SKIP LOCKED",
                "FOR NO KEY UPDATE SKIP LOCKED",
            ),
            ("numbered.n <= coalesce(", "true OR numbered.n <= coalesce("),
        ),
        (_PROTOCOL + "a_claim_is_fair_between_accounts_and_leaves_out_the_saturated",),
    ),
    _one(
        8,
        "one whose passes fill its share is left out",
        _CLAIMS,
        "  WHERE a.account_id <> ALL (CAST(:saturated AS uuid[]))\n",
        "  WHERE CAST(:saturated AS uuid[]) IS NOT NULL\n",
        _PROTOCOL + "a_claim_is_fair_between_accounts_and_leaves_out_the_saturated",
    ),
    _one(
        8,
        "a cluster that is away is not asked for each row",
        "reconciler/circuit.py",
        "if error.meaning is Meaning.UNAUTHORIZED or self._failures >= _AWAY_AFTER:",
        "if error.meaning is Meaning.UNAUTHORIZED:",
        "tests/unit/reconciler/test_circuit.py::"
        "test_a_cluster_counts_as_away_after_several_failures_in_a_row",
    ),
    _one(
        8,
        "nor one that rejects the credential",
        "reconciler/circuit.py",
        "if error.meaning is Meaning.UNAUTHORIZED or self._failures >= _AWAY_AFTER:",
        "if self._failures >= _AWAY_AFTER:",
        "tests/unit/reconciler/test_circuit.py::"
        "test_a_rejected_credential_holds_back_what_only_the_clock_brings",
    ),
    _one(
        9,
        "a value opens in its table and nowhere else",
        "app/secrets/keyring.py",
        r'f"{table}\0{row}\0{column}"',
        r'f"{row}\0{column}"',
        "tests/integration/app/db/test_sealed.py::test_a_value_opens_in_its_place_and_nowhere_else",
    ),
    _one(
        9,
        "in its row",
        "app/secrets/keyring.py",
        r'f"{table}\0{row}\0{column}"',
        r'f"{table}\0{column}"',
        "tests/integration/app/db/test_sealed.py::test_a_value_opens_in_its_place_and_nowhere_else",
    ),
    _one(
        9,
        "in its column",
        "app/secrets/keyring.py",
        r'f"{table}\0{row}\0{column}"',
        r'f"{table}\0{row}"',
        "tests/integration/app/db/test_sealed.py::test_a_value_opens_in_its_place_and_nowhere_else",
    ),
    _one(
        9,
        "no traceback in a log shows a variable",
        "app/logs.py",
        "ExceptionDictTransformer(show_locals=False)",
        "ExceptionDictTransformer(show_locals=True)",
        "tests/unit/app/test_logs.py::test_a_traceback_shows_no_local_variable",
    ),
    _one(
        9,
        "nor does an error of Postgres show what was bound",
        "app/db/session.py",
        "hide_parameters=True",
        "hide_parameters=False",
        "tests/integration/app/db/test_session.py::test_an_error_does_not_show_what_was_bound",
    ),
    _one(
        9,
        "others' loggers say nothing at debug",
        "app/logs.py",
        "root.setLevel(max(logging.INFO, logging.getLevelName(level.upper())))",
        "root.setLevel(logging.getLevelName(level.upper()))",
        "tests/unit/app/test_logs.py::test_at_debug_only_our_own_loggers_say_more",
    ),
    _one(
        9,
        "who is shown a secret is in the audit",
        "app/services/reveals.py",
        '            action="variable.reveal",',
        '            action="variable.put",',
        "tests/integration/app/graphql/test_reveals.py::"
        "test_a_variable_is_shown_and_that_is_recorded_without_its_value",
    ),
)
