"""What Mooring does to each kind, and which of it a credential may not do: pure.

The reconciler asks when a kubeconfig is set (SelfSubjectRulesReview), so that a missing permission
is named before the first resource meets it. A new kind, or a new call on one, belongs in here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.settings import Settings
from reconciler.manifests.kinds import (
    CLAIM,
    CLUSTER,
    HTTP_ROUTE,
    INGRESS,
    KINDS,
    NETWORK_POLICY,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    Object,
)

# An apply makes what is not there; a deletion is finished when a list is empty.
_WRITE = ("list", "create", "patch", "delete")
_READ_AND_WRITE = ("get", *_WRITE)
# Rules that are read: a user's cluster says how many there are, and all wait while we read.
MOST_RULES = 1000

_Words = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that has to be allowed in the namespace."""

    verb: str
    kind: Kind

    def __str__(self) -> str:
        """As `verb resource.group`."""
        group = f".{self.kind.group}" if self.kind.group else ""
        return f"{self.verb} {self.kind.plural}{group}"


def needed(settings: Settings) -> list[Need]:
    """All that passes do; what is of a kind that a cluster does not serve is not needed there."""
    verbs = dict.fromkeys(KINDS, ("list",)) | {
        STATEFUL_SET: _READ_AND_WRITE,
        SERVICE: _WRITE,
        SECRET: _READ_AND_WRITE,
        POD: ("list", "create"),
        CLAIM: ("list", "delete"),
        CLUSTER: _READ_AND_WRITE,
        INGRESS if settings.route_mode == "ingress" else HTTP_ROUTE: _WRITE,
    }
    if settings.network_policy:
        verbs[NETWORK_POLICY] = _WRITE
    return [Need(verb, kind) for kind, those in verbs.items() for verb in those]


def missing(needs: Iterable[Need], rules: Sequence[Object]) -> list[Need]:
    """Those that none of the first `MOST_RULES` rules of a SelfSubjectRulesReview allows."""
    # A rule for single objects is none for those that are to be made.
    whole = [_words(rule) for rule in rules[:MOST_RULES] if not rule.get("resourceNames")]
    return [need for need in needs if not any(_allows(words, need) for words in whole)]


def _words(rule: Object) -> _Words:
    return tuple(frozenset(rule.get(part) or ()) for part in ("verbs", "apiGroups", "resources"))


def _allows(words: _Words, need: Need) -> bool:
    wanted = (need.verb, need.kind.group, need.kind.plural)
    return all("*" in of or word in of for of, word in zip(words, wanted, strict=True))
