"""Whether the cluster as a whole is worth asking.

After one rejected credential, or several passes in a row that could not reach the API server, rows
that only the clock brings are told the last answer instead of asking again, all but one in each
`probe` seconds. Rows that somebody asked for (an intent, a retry, an event) ask, a few at once: all
of them would hold every slot until their time is over, and other clusters' rows wait. A pass that
gets an answer closes the circuit, and so does an internal error (500): it may be a webhook's, which
only one kind of object meets. What other rows are told names nobody's objects.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.db.claims import Claim
from app.domain.states import Lane
from reconciler.cluster.errors import ClusterError, Meaning

# Passes that fail in a row before the cluster counts as away.
_AWAY_AFTER = 5
# Passes that ask at once a cluster that is away.
_ASK_AT_ONCE = 2
# What is told in place of the cluster's answers; often by another than the cluster.
ELSEWHERE = frozenset({Meaning.UNAVAILABLE, Meaning.NONSENSE, Meaning.CERTIFICATE})
_AWAY = ELSEWHERE | {Meaning.THROTTLED}


class Circuit:
    """Of one cluster through one credential; `probe` in seconds.

    `strict`: nobody always asks. A user's server that never answers would else take the time of all
    with a few rows that are tried again soon.
    """

    def __init__(self, probe: float, *, strict: bool = False) -> None:
        self._probe = probe
        self._strict = strict
        self._failures = 0
        self._last: ClusterError | None = None
        self._next_probe = 0.0
        self._asking = 0

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
        now = time.monotonic()
        asked = claim.lane != Lane.CLOCK and not self._strict
        if self._last is None or (
            (asked or now >= self._next_probe) and self._asking < _ASK_AT_ONCE
        ):
            self._next_probe = now + self._probe
            return None
        return self._last

    @contextmanager
    def asking(self) -> Iterator[None]:
        """For the time of a pass: what becomes of it moves the circuit."""
        self._asking += 1
        try:
            yield
        except ClusterError as error:
            self.failed(error)
            raise
        finally:
            self._asking -= 1
        self.worked()

    def failed(self, error: ClusterError) -> None:
        """A pass got this answer."""
        away = error.meaning in _AWAY and error.status != 500
        if not away and error.meaning is not Meaning.UNAUTHORIZED:
            self.worked()
            return
        self._failures += 1
        if error.meaning is Meaning.UNAUTHORIZED or self._failures >= _AWAY_AFTER:
            self._last = _for_others(error)

    def worked(self) -> None:
        """A pass got an answer."""
        self._failures, self._last = 0, None


def _for_others(error: ClusterError) -> ClusterError:
    """What another row is told, whose own pass would have begun by reading."""
    # The client's words, or about the credential.
    own = error.status in (0, 401) or error.meaning is Meaning.NONSENSE
    said = str(error) if own else f"The API server answers with HTTP {error.status}."
    return ClusterError(
        error.meaning, error.status, said, reading=True, retry_after=error.retry_after
    )
