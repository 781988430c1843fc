"""Whether the cluster as a whole is worth asking.

After one rejected credential, or several passes in a row that could not reach the API server (no
connection, TLS, no answer in time, 5xx, 429), the circuit is open: rows are told the last answer
and that it is, instead of asking again. One row in each `probe` seconds asks. A row that somebody
has asked for since it was told last (an intent, a retry, an event) need not wait so long: it asks a
moment after the one before it, and only a few do at once: all of them would hold every slot until
their time is over, and other clusters' rows wait. One that comes too early comes back in its turn.
A pass that gets an answer closes it. What other rows are told names nobody's objects.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from app.db.claims import Claim
from app.domain.states import Lane, ResourceKind
from reconciler import metrics
from reconciler.cluster.errors import ClusterError, Meaning

log = structlog.get_logger(__name__)

# Passes that fail in a row before the cluster counts as away.
_AWAY_AFTER = 5
# Passes that ask at once a cluster that is away, and seconds between those that somebody asked for.
_ASK_AT_ONCE, _SOONEST = 2, 1.0
# What is told in place of the cluster's answers; often by another than the cluster.
ELSEWHERE = frozenset({Meaning.UNAVAILABLE, Meaning.NONSENSE, Meaning.CERTIFICATE})
_AWAY = ELSEWHERE | {Meaning.THROTTLED}
# Seconds after which a pass that was cut off was the cluster's fault.
_LONG = 5.0


class Circuit:
    """Of one cluster through one credential; `probe` in seconds, by `clock` or the loop's.

    `strict`, for users' own: only those ask sooner of which it is known that somebody asked. One
    that never answers would else take the time of all with a few rows that are tried again soon.
    """

    def __init__(
        self, probe: float, *, strict: bool = False, clock: Callable[[], float] | None = None
    ) -> None:
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._probe = probe
        self._strict = strict
        self._whose = metrics.USERS if strict else metrics.OPERATORS
        self._failures = 0
        self._last: ClusterError | None = None
        self._since = 0.0
        self._asked_at = 0.0
        self._asking = 0
        # How often each row was asked for when it was told last; when the last turn is given away.
        self._told: dict[UUID, int] = {}
        self._turn = 0.0

    @property
    def doubtful(self) -> bool:
        """Whether the last pass could not reach the cluster, or its credential is rejected."""
        return self._failures > 0

    @property
    def state(self) -> str:
        """In the words of its metric."""
        return "open" if self._last is not None else "doubtful" if self._failures else "closed"

    def refusal(self, claim: Claim) -> ClusterError | None:
        """The answer that this pass would get; None: it is to ask."""
        now = self._clock()
        wished = self._is_wished(claim)
        pause = min(_SOONEST, self._probe) if wished else self._probe
        may = now >= self._asked_at + pause and self._asking < _ASK_AT_ONCE
        if self._last is None or may:
            self._asked_at = now
            return None
        if not wished:
            self._told[claim.id] = claim.asked
            return self._explained(claim, _for_others(self._last), now)
        # It stays a wish, whichever lane brings it back.
        self._told.setdefault(claim.id, claim.asked - 1)
        self._turn = max(self._turn, now) + pause
        return self._explained(claim, _for_others(self._last), now, self._turn - now)

    def held(self) -> timedelta | None:
        """For how long it stays open, until the next probe; None while it is closed."""
        if self._last is None:
            return None
        return timedelta(seconds=max(0.0, self._asked_at + self._probe - self._clock()))

    def _is_wished(self, claim: Claim) -> bool:
        """Whether somebody has asked for a look since the row was told last; of one that was told
        nothing yet: whether its lane, or a new intent, says so."""
        told = self._told.get(claim.id)
        if told is not None:
            return claim.asked > told
        new = claim.due_at == claim.generation_since
        return new if self._strict else claim.lane != Lane.CLOCK

    @contextmanager
    def asking(self, claim: Claim) -> Iterator[None]:
        """For the time of a pass: what becomes of it moves the circuit."""
        begun = self._clock()
        self._asking += 1
        try:
            yield
        except ClusterError as error:
            self.failed(error, claim.kind)
            raise self._explained(claim, error, begun) from error.__cause__
        except asyncio.CancelledError:
            if self._strict and self._clock() - begun > _LONG:
                said = "The cluster answers so slowly that no pass comes to its end."
                self.failed(ClusterError(Meaning.UNAVAILABLE, 0, said), claim.kind)
            raise
        finally:
            self._asking -= 1
            if self._last is not None:
                self._told[claim.id] = claim.asked
        self.worked()

    def failed(self, error: ClusterError, kind: ResourceKind = ResourceKind.SANDBOX) -> None:
        """A pass over a row of this kind got this answer.

        An internal error (500) about a database may be of a webhook that its operator has for its
        own kinds alone: it says nothing about the cluster.
        """
        if error.status == 500 and kind is ResourceKind.DATABASE:
            return
        if error.meaning not in _AWAY and error.meaning is not Meaning.UNAUTHORIZED:
            self.worked()
            return
        self._failures += 1
        if error.meaning is Meaning.UNAUTHORIZED or self._failures >= _AWAY_AFTER:
            if self._last is None:
                self._since = self._clock()
                answer = error.meaning.value
                log.warning("a circuit opened", cluster=self._whose, answer=answer)
            self._last = error

    def worked(self) -> None:
        """A pass got an answer."""
        if self._last is not None:
            log.warning("a circuit closed again", cluster=self._whose)
        self._failures, self._last = 0, None
        self._told.clear()

    def _explained(
        self, claim: Claim, error: ClusterError, begun: float, turn: float | None = None
    ) -> ClusterError:
        """`error`, which says of an open circuit since when it is and until when, in `turn` seconds
        or with the next probe; by the clock of the claim, whose pass has `begun` then."""
        probe = self.held()
        if probe is None:
            return error
        held = probe if turn is None else min(timedelta(seconds=turn), probe)
        since = claim.claimed_at + timedelta(seconds=self._since - begun)
        again = claim.claimed_at + timedelta(seconds=self._clock() - begun) + held
        said = (
            f"{error} The circuit to this cluster is open since {_time(since)}: it is asked again"
            f" at {_time(again)}, not for each resource."
        )
        return ClusterError(
            error.meaning,
            error.status,
            said,
            object=error.object,
            reading=error.reading,
            retry_after=error.retry_after,
            turn=turn,
            held=held,
        )


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def _for_others(error: ClusterError) -> ClusterError:
    """What another row is told, whose own pass would have begun by reading."""
    # The client's words, or about the credential.
    own = error.status in (0, 401) or error.meaning is Meaning.NONSENSE
    said = str(error) if own else f"The API server answers with HTTP {error.status}."
    return ClusterError(
        error.meaning, error.status, said, reading=True, retry_after=error.retry_after
    )
