"""Each reason that users may see is produced by a test through a row of a real database, and heals.

A table, for which test it is cannot be told from a reason alone; what is new has to get in here.
"""

import ast
from pathlib import Path

import pytest

from app.domain.reasons import Reason

ROOT = Path(__file__).parents[3]
FAILURES = "test_a_start_that_fails_is_explained_and_heals_by_itself"
RECONCILER = "tests/integration/reconciler"
# File and function; the reason stands in the function or in the table it is parametrized with.
BY = {
    **dict.fromkeys(
        (
            Reason.INVALID_SPEC,
            Reason.QUOTA_EXCEEDED,
            Reason.POD_SECURITY_VIOLATION,
            Reason.CREATE_FAILED,
            Reason.PERMISSION_MISSING,
            Reason.CONFLICT,
            Reason.OBJECT_MISSING,
            Reason.CLUSTER_UNAVAILABLE,
            Reason.CLUSTER_THROTTLED,
            Reason.CREDENTIAL_REJECTED,
            Reason.UNSCHEDULABLE,
            Reason.VOLUME_PENDING,
            Reason.VOLUME_MOUNT_FAILED,
            Reason.SANDBOX_CREATE_FAILED,
            Reason.IMAGE_PULL_FAILED,
            Reason.CONTAINER_CONFIG_ERROR,
            Reason.CRASH_LOOP,
            Reason.OOM_KILLED,
            Reason.STARTING_TOO_LONG,
        ),
        (f"{RECONCILER}/test_failures.py", FAILURES),
    ),
    **dict.fromkeys(
        (Reason.DATABASE_FAILED, Reason.OPERATOR_NOT_RUNNING, Reason.OPERATOR_MISSING),
        (f"{RECONCILER}/test_database_failures.py", FAILURES),
    ),
    Reason.ADMISSION_DENIED: (
        f"{RECONCILER}/test_failures.py",
        "test_what_the_namespace_does_not_admit_is_told_before_anything_is_made",
    ),
    Reason.NAMESPACE_MISSING: (
        f"{RECONCILER}/test_failures.py",
        "test_a_namespace_that_goes_is_named_until_it_is_there_again",
    ),
    Reason.STOPPING_TOO_LONG: (
        f"{RECONCILER}/test_failures.py",
        "test_a_stop_held_by_a_pod_names_it_and_ends_when_it_goes",
    ),
    Reason.DELETE_BLOCKED: (
        f"{RECONCILER}/test_failures.py",
        "test_a_deletion_held_by_a_finalizer_names_it_and_ends_when_it_goes",
    ),
    Reason.NAME_CLASH: (
        f"{RECONCILER}/test_reasons.py",
        "test_an_object_of_its_name_that_is_somebodys_is_left_alone_until_it_goes",
    ),
    Reason.KIND_NOT_SERVED: (
        f"{RECONCILER}/test_reasons.py",
        "test_routes_of_a_gateway_wait_for_its_kind",
    ),
    Reason.NAMESPACE_TERMINATING: (
        f"{RECONCILER}/test_reasons.py",
        "test_a_namespace_that_is_being_deleted_is_said_to_be_until_it_is_made_again",
    ),
    Reason.CREDENTIALS_MISSING: (
        f"{RECONCILER}/test_reasons.py",
        "test_a_database_without_its_secret_says_so",
    ),
    Reason.PASS_TIMEOUT: (
        f"{RECONCILER}/test_reasons.py",
        "test_a_cluster_that_is_slow_makes_looks_end_before_their_time",
    ),
    Reason.INTERNAL: (
        f"{RECONCILER}/test_reasons.py",
        "test_a_fault_of_our_own_is_said_to_be_one_and_tried_again",
    ),
    Reason.VOLUME_NOT_GROWING: (
        f"{RECONCILER}/test_reasons.py",
        "test_a_volume_that_may_not_grow_is_an_error_until_it_may",
    ),
    Reason.WAITING_FOR_SANDBOXES: (
        f"{RECONCILER}/test_reasons.py",
        "test_a_database_waits_for_its_sandboxes_to_stop_first",
    ),
    **dict.fromkeys(
        (Reason.WAITING_FOR_DATABASE, Reason.STARTED_WITHOUT_DATABASE),
        (
            f"{RECONCILER}/test_databases.py",
            "test_a_sandbox_that_waited_long_enough_starts_without_and_restarts_with_its_database",
        ),
    ),
    Reason.NEWER_GENERATION: (
        f"{RECONCILER}/test_restored.py",
        "test_what_is_newer_than_a_backup_is_left_alone_until_it_is_said_to_be_one",
    ),
    Reason.CLUSTER_ANSWER_INVALID: (
        f"{RECONCILER}/test_own_clusters.py",
        "test_a_users_cluster_that_misbehaves_delays_only_its_own_rows",
    ),
    Reason.CREDENTIAL_MISMATCH: (
        f"{RECONCILER}/test_own_clusters.py",
        "test_a_row_keeps_its_cluster_and_says_when_it_is_out_of_reach",
    ),
    Reason.ADDRESS_REFUSED: (
        f"{RECONCILER}/test_own_clusters.py",
        "test_the_operators_own_cluster_is_refused_until_a_setting_allows_it",
    ),
    Reason.FLAPPING: (
        f"{RECONCILER}/test_flaps.py",
        "test_flips_are_damped_said_and_heal_by_themselves",
    ),
    Reason.DRIFT_HEALED: (
        f"{RECONCILER}/test_drift.py",
        "test_what_is_removed_comes_back_and_history_says_so_once",
    ),
    Reason.DATA_LOST: (
        f"{RECONCILER}/test_lost_data.py",
        "test_a_sandbox_whose_volume_was_removed_says_so_until_it_is_started_again",
    ),
    Reason.STOPPED_ELSEWHERE: (
        f"{RECONCILER}/test_stopped_elsewhere.py",
        "test_it_is_reported_and_left_alone_until_its_user_starts_it",
    ),
    Reason.WORKER_CRASHED: (
        f"{RECONCILER}/test_crashes.py",
        "test_it_is_tried_once_at_a_time_and_healed_by_whatever_that_finds",
    ),
}
# What no test produces through a row, and where it is held to what the cluster says instead.
ONLY_READ = {
    # Its pod is replaced at once: which look meets it is chance.
    Reason.EVICTED: ("tests/unit/reconciler/observed/test_observed_sandbox.py", "Reason.EVICTED"),
    # Simulator and test clusters grow a volume in no time.
    Reason.VOLUME_GROWING: (
        "tests/unit/reconciler/observed/test_observed_volume.py",
        "Reason.VOLUME_GROWING",
    ),
    # Of servers that lie in each way, without a row.
    Reason.CERTIFICATE_INVALID: (f"{RECONCILER}/test_bad_clusters.py", "Meaning.CERTIFICATE"),
}


def test_every_reason_is_produced_or_excused() -> None:
    assert set(BY) | set(ONLY_READ) == set(Reason)


@pytest.mark.parametrize("reason", sorted(BY))
def test_its_test_is_there_and_speaks_of_it(reason: Reason) -> None:
    file, function = BY[reason]
    source = (ROOT / file).read_text()
    found = ast.walk(ast.parse(source))

    assert function in {node.name for node in found if isinstance(node, ast.AsyncFunctionDef)}
    assert f"Reason.{reason.name}" in source or f'"{reason}"' in source


@pytest.mark.parametrize("reason", sorted(ONLY_READ))
def test_what_is_only_read_is_read_from_what_a_cluster_says(reason: Reason) -> None:
    file, word = ONLY_READ[reason]

    assert word in (ROOT / file).read_text()
