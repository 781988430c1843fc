"""What Mooring does to each kind, and which of it a credential may not do: pure.

The reconciler asks when a kubeconfig is set (SelfSubjectRulesReview), so that a missing permission
is named before the first resource meets it; what it may do by itself in the operator's cluster is
written from here into `deploy/kubernetes/` (`make reference`). A new kind, or a new call on one,
belongs in here: on a real API server `tests/kubernetes/test_rights.py` misses it, and finds what
nothing does any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.settings import Settings
from reconciler.manifests import kubeblocks_v1alpha1
from reconciler.manifests.kinds import (
    CLAIM,
    CLUSTER,
    DEFINITION,
    EVENT,
    HTTP_ROUTE,
    INGRESS,
    KINDS,
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    OLD_CLUSTER,
    OLD_OPS_REQUEST,
    POD,
    RESOURCE_QUOTA,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Kind,
    Object,
)

# An apply makes what is not there; a deletion is finished when a list is empty.
_READ = ("list",)
_WRITE = ("list", "create", "patch", "delete")
_READ_AND_WRITE = ("get", *_WRITE)
# In every namespace with sandboxes, whosoever's cluster it is.
_PASSES: dict[Kind, tuple[str, ...]] = dict.fromkeys(KINDS, _READ) | {
    STATEFUL_SET: _READ_AND_WRITE,
    SERVICE: _WRITE,
    SECRET: _READ_AND_WRITE,
    POD: ("list", "create"),
    CLAIM: ("list", "patch", "delete"),
    CLUSTER: _READ_AND_WRITE,
    INGRESS: _WRITE,
    HTTP_ROUTE: _WRITE,
    NETWORK_POLICY: _WRITE,
}
# And with KubeBlocks 0.8 or 0.9: whoever lets a database's pods do something has to be let, too.
_OLDER: dict[Kind, tuple[str, ...]] = {
    OLD_CLUSTER: _READ_AND_WRITE,
    OLD_OPS_REQUEST: _READ_AND_WRITE,
    SERVICE_ACCOUNT: _WRITE,
    ROLE: _WRITE,
    ROLE_BINDING: _WRITE,
    **{
        Kind(group, "v1", plural, plural): verbs
        for group, plurals, verbs in kubeblocks_v1alpha1.ENGINE
        for plural in plurals
    },
}
_WATCHED = (
    STATEFUL_SET,
    POD,
    SERVICE,
    SECRET,
    CLUSTER,
    OLD_CLUSTER,
    INGRESS,
    HTTP_ROUTE,
    NETWORK_POLICY,
)
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


def needed(settings: Settings, *, own: bool = False) -> list[Need]:
    """All that passes do in the operator's cluster, or in a user's `own`; what is of a kind that a
    cluster does not serve is not needed there."""
    return _needs(_PASSES | dict.fromkeys(_unwritten(settings, own=own), _READ))


def older() -> list[Need]:
    """What there is to do beside, in any namespace, where KubeBlocks is of 0.8 or 0.9."""
    return _needs(_OLDER)


def beside(others: Iterable[Need]) -> list[Need]:
    """Of `older()` what a Role for `others` does not allow."""
    allowed = {_right(need) for need in others}
    return [need for need in older() if _right(need) not in allowed]


def _right(need: Need) -> tuple[str, str, str]:
    return need.kind.group, need.kind.plural, need.verb


def watched(settings: Settings) -> tuple[Kind, ...]:
    """The kinds whose events wake, where the cluster is the operator's."""
    unwritten = _unwritten(settings)
    return tuple(kind for kind in _WATCHED if kind not in unwritten)


def in_namespace() -> list[Need]:
    """All that the reconciler does in a namespace of the operator's cluster, whatever is set."""
    seen = dict.fromkeys(_WATCHED, ("watch",)) | {EVENT: _READ}
    verbs = {kind: (*_PASSES.get(kind, ()), *seen.get(kind, ())) for kind in (*_PASSES, EVENT)}
    return _needs(verbs)


def in_cluster() -> list[Need]:
    """All that it does where each account has a namespace, which it makes."""
    made = {
        NAMESPACE: _READ_AND_WRITE,
        RESOURCE_QUOTA: _WRITE,
        LIMIT_RANGE: _WRITE,
        DEFINITION: ("get",),
    }
    return [*in_namespace(), *_needs(made)]


def rules(needs: Iterable[Need]) -> list[Object]:
    """The rules of a Role that allow just these, in the order in which they are given."""
    verbs: dict[tuple[str, str], dict[str, None]] = {}
    for need in needs:  # a Role knows no versions
        verbs.setdefault((need.kind.group, need.kind.plural), {})[need.verb] = None
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, plural), allowed in verbs.items():
        alike.setdefault((group, tuple(allowed)), []).append(plural)
    return [
        {"apiGroups": [group], "resources": plurals, "verbs": list(allowed)}
        for (group, allowed), plurals in alike.items()
    ]


def _unwritten(settings: Settings, *, own: bool = False) -> set[Kind]:
    """What passes write under other settings."""
    route = HTTP_ROUTE if settings.route_mode == "ingress" else INGRESS
    return {route} if settings.confines(own=own) else {route, NETWORK_POLICY}


def _needs(verbs: Mapping[Kind, Iterable[str]]) -> list[Need]:
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
