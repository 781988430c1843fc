"""What the reconciler counts, in Prometheus' words: every instrument, what it means, its labels.

All are here and in one registry, so that callers have a line each and an operator's page
(docs/guide/observing.md) can be checked against it. No label ever names an account, a resource or a
server: the values of each are a small set that the code knows, and all users' clusters are one.
Seconds and `_total` as https://prometheus.io/docs/practices/naming says.
"""

from collections.abc import Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from app.db.queue import Waiting
from app.domain.states import Lane, ResourceKind

# Of the label `cluster`.
OPERATORS: Final = "operator"
USERS: Final = "users"
# What each label can be, for the page of the reference.
LABELS: Final = {
    "answer": "`ok`; a [reason](reasons.md); `Expired` (410); `cancelled`: its pass was stopped",
    "at": "`renewal`, `pass`, `record`",
    "cause": "`ended` in its time; `cut` within 5 s; a [reason](reasons.md); `Expired` (410)",
    "cluster": "`operator`; `users` for all of theirs together",
    "kind": "`sandbox` or `database` of a pass; of a watch the kind's plural, as `statefulsets`",
    "lane": "`asked` (somebody wants a look), `deletion`, `clock` (re-checks and slow retries)",
    "reason": "a [reason](reasons.md)",
    "state": "`closed`, `doubtful` (the last pass got no answer), `open`",
    "verb": "`get`, `list`, `watch`, `apply`, `patch`, `delete`; `dry-run` and `review`, which make"
    " nothing",
    "verdict": "`settled`: as wanted; `again`: looked at again soon; `failed`: an error recorded;"
    " `refused`: the API server said no, or nothing; `superseded`: a newer intent, or another"
    " holder; `timeout`: longer than `MOORING_PASS_TIMEOUT`; `lost`: its lease ended; `error`: our"
    " fault",
}

# When a counter began says nothing that its value does not, and doubles the page.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_FAST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_WAITS: Final = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

# The queue, as Postgres has it when the page is read: each reconciler says the same.
DUE: Final = Gauge(
    "mooring_queue_due",
    "Resources that are due and that nobody has claimed. The same from every reconciler: take max.",
    ["lane"],
    registry=REGISTRY,
)
CLAIMED: Final = Gauge(
    "mooring_queue_claimed",
    "Resources under a lease of any reconciler. The same from every reconciler: take max.",
    ["lane"],
    registry=REGISTRY,
)
OLDEST: Final = Gauge(
    "mooring_queue_oldest_due_seconds",
    "How long the oldest resource that is due has been so; 0 when none is. Take max.",
    ["lane"],
    registry=REGISTRY,
)
DATABASE_UP: Final = Gauge(
    "mooring_database_up",
    "1 when Postgres answered this scrape; without it the queue's series are absent.",
    registry=REGISTRY,
)

# Work of this process.
SLOTS: Final = Gauge("mooring_slots", "Passes that may run here at once.", registry=REGISTRY)
LEASES: Final = Gauge(
    "mooring_leases_held", "Resources under a lease of this reconciler.", registry=REGISTRY
)
ROUNDS: Final = Counter(
    "mooring_rounds_total",
    "Rounds of the loop: woken or by the timer, it looks for what is due.",
    registry=REGISTRY,
)
CLAIMS: Final = Counter(
    "mooring_claims_total", "Resources that this reconciler claimed.", ["lane"], registry=REGISTRY
)
CLAIMS_FAILED: Final = Counter(
    "mooring_claims_failed_total",
    "Claims that Postgres did not answer; each is tried again by the next poll.",
    registry=REGISTRY,
)
WAIT: Final = Histogram(
    "mooring_queue_wait_seconds",
    "From when a resource was due to its claim: what a user waits before anything happens.",
    ["lane"],
    buckets=_WAITS,
    registry=REGISTRY,
)
PUT_OFF: Final = Counter(
    "mooring_rechecks_put_off_total",
    "Looks at settled resources that were saved, as the watches have told of no change.",
    registry=REGISTRY,
)
MISSED: Final = Counter(
    "mooring_notifications_missed_total",
    "Intents that the timer found a second or more after they were written, though a notification"
    " should have announced them.",
    registry=REGISTRY,
)
PASS: Final = Histogram(
    "mooring_pass_duration_seconds",
    "One look at a resource and what it did, by what came of it.",
    ["kind", "verdict"],
    buckets=_FAST,
    registry=REGISTRY,
)
REASONS: Final = Counter(
    "mooring_pass_reasons_total",
    "Passes that ended with a reason, as users see it in `why` (docs/reference/reasons.md).",
    ["kind", "reason"],
    registry=REGISTRY,
)
HEALED: Final = Counter(
    "mooring_drift_healed_total",
    "Looks that put right what somebody had removed or changed in a cluster: DriftHealed in the"
    " history. The log names the objects.",
    ["kind"],
    registry=REGISTRY,
)
LOST: Final = Counter(
    "mooring_leases_lost_total",
    "Leases that were over or another's: at a renewal, at the end of a pass, or at the record. What"
    " the pass found out is dropped, the row is claimed anew, and nothing is lost.",
    ["at"],
    registry=REGISTRY,
)

# A series that begins at its first event has no increase for Prometheus to see.
for _at in ("renewal", "pass", "record"):
    LOST.labels(_at)
for _kind in ResourceKind:
    HEALED.labels(_kind.lower())
    PASS.labels(_kind.lower(), "error")

# Clusters.
CALLS: Final = Counter(
    "mooring_api_calls_total",
    "Requests to API servers by what they answered: ok, or a reason of docs/reference/reasons.md.",
    ["cluster", "verb", "answer"],
    registry=REGISTRY,
)
CALL: Final = Histogram(
    "mooring_api_call_duration_seconds",
    "How long API servers took for one request; of a watch, until it began.",
    ["cluster", "verb"],
    buckets=_FAST,
    registry=REGISTRY,
)
WATCHES: Final = Counter(
    "mooring_watch_restarts_total",
    "Watches of the operator's cluster that began anew, by why the one before ended; after Expired"
    " all objects are listed first.",
    ["kind", "cause"],
    registry=REGISTRY,
)
BREAKERS: Final = Gauge(
    "mooring_breakers",
    "Circuit breakers, one for each credential in use, by state: while one is open, rows are told"
    " the last answer and the cluster is asked now and then.",
    ["cluster", "state"],
    registry=REGISTRY,
)


def shows_breakers(states: Mapping[tuple[str, str], int]) -> None:
    """Set the gauge of breakers: how many by cluster and state, none left of before."""
    BREAKERS.clear()
    for (cluster, state), count in states.items():
        BREAKERS.labels(cluster, state).set(count)


def shows_queue(waiting: Mapping[Lane, Waiting] | None) -> None:
    """Set the gauges of the queue; None: Postgres did not say, and what it said before is over."""
    DATABASE_UP.set(waiting is not None)
    for gauge in (DUE, CLAIMED, OLDEST):
        gauge.clear()
    for lane, found in (waiting or {}).items():
        DUE.labels(lane.name.lower()).set(found.due)
        CLAIMED.labels(lane.name.lower()).set(found.claimed)
        OLDEST.labels(lane.name.lower()).set(found.oldest.total_seconds())
