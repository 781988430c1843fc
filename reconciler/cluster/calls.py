"""What is noted of each request to an API server: a count, how long it took, and a line of the log.

Writes are lines of `info`, for they are what a mutation comes to; reads are lines of `debug`. Which
resource and whose mutation a line is about, the pass has bound (`reconciler.loop`). Neither a body
nor the server's words are in it.

The API server is told too: in its audit log a request has the id that came in `Audit-ID`, else one
of its own (k8s.io/apiserver, WithAuditInit; seen on 1.36). Ours begins with the trace, and each
request has another, as an auditID has to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import uuid4

import structlog

from app.domain import trace
from reconciler import metrics
from reconciler.cluster.errors import ClusterError
from reconciler.manifests.kinds import Object

JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"
# Objects without all but their metadata (Kubernetes API concepts, "Metadata-only fetches"); a
# server that cannot may send them whole.
_BARE: Final = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"
_WRITES: Final = frozenset({"apply", "patch", "delete"})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, without what the way to the server adds to it."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Object | None = field(default=None, repr=False)
    media: str = JSON
    bare: bool = False

    @property
    def headers(self) -> Mapping[str, str]:
        """What it says of itself, whatever the way."""
        current = trace.current()
        traced = {"Audit-ID": f"{current.hex}-{uuid4().hex[:8]}"} if current else {}
        if self.bare:
            listed = "" if "watch" in self.query else "List"
            return {"Content-Type": self.media, "Accept": _BARE.format(listed), **traced}
        return {"Content-Type": self.media, **traced}

    @property
    def verb(self) -> str:
        """What is asked, in Kubernetes' words; a dry run and a review of oneself make nothing."""
        if self.method == "GET":
            listed = "limit" in self.query or "fieldSelector" in self.query
            return "watch" if "watch" in self.query else "list" if listed else "get"
        if self.method == "PATCH":
            return "apply" if self.media == APPLY else "patch"
        if self.method == "POST":
            return "dry-run" if "dryRun" in self.query else "review"
        return self.method.lower()


@contextmanager
def noted(call: Call, cluster: str) -> Iterator[None]:
    """For the time of a call; `cluster` is whose it is, in the words of the metrics."""
    began, answer, status = monotonic(), "ok", 200
    try:
        yield
    except ClusterError as error:
        answer, status = error.meaning.value, error.status
        raise
    except BaseException:
        answer, status = "cancelled", 0
        raise
    finally:
        verb, seconds = call.verb, monotonic() - began
        metrics.CALLS.labels(cluster, verb, answer).inc()
        metrics.CALL.labels(cluster, verb).observe(seconds)
        write = log.info if verb in _WRITES else log.debug
        about = call.path.partition("?")[0]
        write(
            "the cluster was asked",
            verb=verb,
            path=about,
            answer=answer,
            status=status,
            ms=round(seconds * 1000, 1),
        )
