"""What is noted of a call: its verb, its answer, how it is counted and what the log says."""

import pytest
import structlog
from structlog.testing import capture_logs

from app.domain import trace
from reconciler import metrics
from reconciler.cluster import calls
from reconciler.cluster.calls import APPLY, Call, noted
from reconciler.cluster.errors import ClusterError, Meaning

POD = "/api/v1/namespaces/shop/pods/app-0"
MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(
    ("call", "verb"),
    [
        (Call("GET", POD, {}), "get"),
        (Call("GET", POD, {"labelSelector": "x", "limit": "500"}), "list"),
        (Call("GET", POD, {"fieldSelector": "metadata.name=x"}), "list"),
        (Call("GET", POD, {"watch": "true", "labelSelector": "x"}), "watch"),
        (Call("PATCH", POD, {}, {}, APPLY), "apply"),
        (Call("PATCH", POD, {}, {}, MERGE), "patch"),
        (Call("POST", POD, {"dryRun": "All"}, {}), "dry-run"),
        (Call("POST", POD, {}, {}), "review"),
        (Call("DELETE", POD, {}, {}), "delete"),
    ],
)
def test_a_call_has_a_verb(call: Call, verb: str) -> None:
    assert call.verb == verb


def counted(answer: str) -> float:
    labels = {"cluster": "users", "verb": "apply", "answer": answer}
    return metrics.REGISTRY.get_sample_value("mooring_api_calls_total", labels) or 0


def test_a_write_is_a_line_without_what_was_written_or_said() -> None:
    before = counted("Conflict")
    call = Call("PATCH", POD, {"force": "true"}, {"data": "canary"}, APPLY)

    with (
        capture_logs() as lines,
        pytest.raises(ClusterError),
        noted(call, metrics.USERS),
    ):
        raise ClusterError(Meaning.CONFLICT, 409, "canary")

    assert counted("Conflict") == before + 1
    line = lines[0]
    assert (line["log_level"], line["verb"], line["path"]) == ("info", "apply", POD)
    assert (line["answer"], line["status"]) == ("Conflict", 409)
    assert "canary" not in str(lines)


def test_a_read_is_a_line_of_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(0))
    monkeypatch.setattr(calls, "log", everything)

    with capture_logs() as lines, noted(Call("GET", POD, {}), metrics.OPERATORS):
        pass

    assert [(line["log_level"], line["answer"]) for line in lines] == [("debug", "ok")]


async def test_the_api_server_is_told_whose_request_it_is() -> None:
    call = Call("PATCH", POD, {}, {}, APPLY)

    assert call.headers == {"Content-Type": APPLY}

    begun = trace.begin()
    first, second = call.headers["Audit-ID"], call.headers["Audit-ID"]

    assert first.startswith(f"{begun.hex}-")
    assert first != second
    assert len(first) <= 64
