"""What may go wrong with the cluster of a run, as rules for the simulator.

`FAULTS` are named; each makes a rule from a number that the run has drawn. `TIMED` ends by itself
after some times. Of what a client gives up on, nothing happens later than it would have waited: a
write that comes through after its sender is forgotten is for `mooring orphans` to find.
"""

from collections.abc import Callable, Mapping

Rule = dict[str, object]

_VERBS: tuple[tuple[str, ...], ...] = (
    ("*",),
    ("get", "list"),
    ("create", "patch", "update"),
    ("delete",),
    ("watch",),
)
_KINDS = ("*", "StatefulSet", "Service", "Secret", "Cluster", "Ingress", "Namespace", "Pod")


def _answer(code: int, *, applied: bool = False, wait: int | None = None) -> Callable[[int], Rule]:
    def rule(number: int) -> Rule:
        made: Rule = {
            "fault": "Answer",
            "code": code,
            "applied": applied,
            "verbs": _VERBS[number % len(_VERBS)],
            "kind": _KINDS[number // 5 % len(_KINDS)],
            "times": 1 + number % 4,
        }
        return made if wait is None else {**made, "retryAfter": wait}

    return rule


def _timed(**said: object) -> Callable[[int], Rule]:
    return lambda number: {
        **said,
        "verbs": _VERBS[number % len(_VERBS)],
        "kind": _KINDS[number // 5 % len(_KINDS)],
        "times": 1 + number % 4,
    }


def _always(**said: object) -> Callable[[int], Rule]:
    return lambda _: dict(said)


FAULTS: Mapping[str, Callable[[int], Rule]] = {
    "409": _answer(409),
    "409, done all the same": _answer(409, applied=True),
    "422": _answer(422),
    "429": _answer(429, wait=1),
    "500": _answer(500),
    "500, done all the same": _answer(500, applied=True),
    "503": _answer(503),
    "504, done all the same": _answer(504, applied=True),
    "no answer": _timed(fault="Hang"),
    "no answer, done all the same": _timed(fault="Hang", applied=True),
    "a late answer": _timed(fault="Latency", seconds=3),
    "watches are cut": _always(fault="WatchCut"),
    "watches are torn": _always(fault="WatchCut", torn=True),
    "watches expire": _always(fault="WatchExpired"),
    "images cannot be pulled": _always(fault="ImagePullBackOff"),
    "containers crash": _always(fault="CrashLoopBackOff"),
    "containers need too much memory": _always(fault="OOMKilled"),
    "pods are never ready": _always(fault="NeverReady"),
    "pods are placed nowhere": _always(fault="Unschedulable"),
    "pods do not end": _always(fault="StuckTerminating"),
    "volumes are not bound": _always(fault="Unbound"),
    "StatefulSets are held": _always(fault="StuckFinalizer", kind="StatefulSet"),
    "databases fail": _always(fault="DatabaseFailed"),
    "databases are never made": _always(fault="DatabaseStuckCreating"),
    "the operator is away": _always(fault="OperatorAbsent"),
    "the operator lets nothing go": _always(fault="OperatorStuck"),
}
NAMES = tuple(FAULTS)
