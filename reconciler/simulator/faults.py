"""What is to go wrong, as rules that are set over HTTP while the simulator runs.

A rule names a fault, the objects that it is on, and details; it holds from the moment it is set
until it is taken back, for what exists as for what comes. Here is only what a rule says: each
fault is acted out where the real one would happen (`controllers`, `disturbance`). To add one: a
class here, in the union `AnyRule`, and whoever acts asks `Faults.of`. A restart forgets all rules.
"""

import asyncio
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from reconciler.simulator.stored import Stored

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Verb = Literal[
    "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"
]


class Rule(BaseModel):
    """kind: as in objects, `*` and other wildcards allowed. name: `namespace/name`, or `name` of
    an object without a namespace, with wildcards.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    kind: str = "*"
    name: str = "*"

    def on(self, kind: str, namespace: str, name: str) -> bool:
        where = f"{namespace}/{name}" if namespace else name
        return fnmatchcase(kind, self.kind) and fnmatchcase(where, self.name)


class Counted(Rule):
    """times: how often it still happens; None is without end."""

    times: Annotated[int, Field(ge=1)] | None = None


class PodRule(Rule):
    kind: Literal["Pod"] = "Pod"


class ContainerFault(PodRule):
    """container "" is the pod's first; an init container may be named. every: seconds between
    tries, the first of a back-off that doubles to five minutes.
    """

    container: str = ""
    every: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0


class ImagePull(ContainerFault):
    """message "" is that of a registry that does not know the image."""

    fault: Literal["ImagePullBackOff"]
    message: str = ""


class Refused(ContainerFault):
    """The runtime does not make the container, with this reason."""

    fault: Literal[
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ]
    message: str = ""


class Crash(ContainerFault):
    fault: Literal["CrashLoopBackOff"]
    exit_code: Annotated[int, Field(ge=0, le=255)] = 1


class OutOfMemory(ContainerFault):
    fault: Literal["OOMKilled"]


class NotCreated(PodRule):
    """ContainerCreating for ever; only an event says why."""

    fault: Literal["FailedMount", "FailedCreatePodSandBox"]
    message: str = ""


class NeverReady(PodRule):
    fault: Literal["NeverReady"]
    message: str = ""


class Unschedulable(PodRule):
    fault: Literal["Unschedulable"]
    message: str = ""


class Evicted(PodRule, Counted):
    """Each pod is evicted once it has run for so many seconds."""

    fault: Literal["Evicted"]
    message: str = ""
    after: Seconds = 10.0


class StuckTerminating(PodRule):
    fault: Literal["StuckTerminating"]


class Unbound(Rule):
    """The claim is not provisioned; one that is bound stays so."""

    kind: Literal["PersistentVolumeClaim"] = "PersistentVolumeClaim"
    fault: Literal["Unbound"]


class StuckFinalizer(Rule):
    """The objects get this finalizer, and nobody removes it."""

    fault: Literal["StuckFinalizer"]
    finalizer: Annotated[str, Field(pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$")] = (
        "simulator.mooring.dev/stuck"
    )


class ClusterRule(Rule):
    """About KubeBlocks Clusters; a fault of their pods shows as phase Failed by itself."""

    kind: Literal["Cluster"] = "Cluster"


class DatabaseFailed(ClusterRule):
    """Phase Failed, whatever the pods do."""

    fault: Literal["DatabaseFailed"]
    message: str = "injected failure"


class DatabaseStuckCreating(ClusterRule):
    """Pods may run and the operator does not say so: never Running."""

    fault: Literal["DatabaseStuckCreating"]


class OperatorAbsent(ClusterRule):
    """The operator does not look: no status, no finalizer set or removed."""

    fault: Literal["OperatorAbsent"]


class OperatorStuck(ClusterRule):
    """When deleted, all that it owns goes, and the operator keeps its finalizer."""

    fault: Literal["OperatorStuck"]


class NotInstalled(Rule):
    """API groups, by wildcard, are not served, as if their CRDs were not there; where a kind is
    named, that one of them alone. defined: the CRDs are there, with each version turned off, and
    what is stored stays.
    """

    fault: Literal["NotInstalled"]
    group: str
    defined: bool = False


class RequestRule(Counted):
    """A request for discovery has kind "" and its path as name."""

    verbs: tuple[Verb, ...] = ("*",)

    def asked(self, verb: str, kind: str, namespace: str, name: str) -> bool:
        return ("*" in self.verbs or verb in self.verbs) and self.on(kind, namespace, name)


class Answer(RequestRule):
    """The API server refuses. applied: it did what was asked all the same."""

    fault: Literal["Answer"]
    code: Annotated[int, Field(ge=400, le=599)]
    message: str = ""
    retry_after: Annotated[int, Field(ge=0)] | None = None
    applied: bool = False


class Latency(RequestRule):
    fault: Literal["Latency"]
    seconds: Seconds


class Hang(RequestRule):
    """No answer while the rule holds. applied: what was asked is done at once."""

    fault: Literal["Hang"]
    applied: bool = False


class WatchCut(RequestRule):
    """Watches end: those that are open at once, others after so many seconds. torn: in the middle
    of the stream, as when a connection breaks, instead of at its end.
    """

    fault: Literal["WatchCut"]
    after: Seconds = 0.0
    torn: bool = False


class WatchExpired(RequestRule):
    """Watches end with 410 as an ERROR event, and none can go on from where one was."""

    fault: Literal["WatchExpired"]


AnyRule = Annotated[
    ImagePull
    | Refused
    | Crash
    | OutOfMemory
    | NotCreated
    | NeverReady
    | Unschedulable
    | Evicted
    | StuckTerminating
    | Unbound
    | StuckFinalizer
    | DatabaseFailed
    | DatabaseStuckCreating
    | OperatorAbsent
    | OperatorStuck
    | NotInstalled
    | Answer
    | Latency
    | Hang
    | WatchCut
    | WatchExpired,
    Field(discriminator="fault"),
]
RULES: TypeAdapter[tuple[AnyRule, ...]] = TypeAdapter(tuple[AnyRule, ...])

R = TypeVar("R", bound=Rule)
Q = TypeVar("Q", bound=RequestRule)


class Faults:
    """The rules that hold now; of several on one object the first of its class counts."""

    def __init__(self) -> None:
        self.rules: tuple[Rule, ...] = ()
        self.listeners: list[Callable[[], None]] = []
        self.released = asyncio.Event()

    def set(self, body: bytes) -> None:
        """Replace all rules by a JSON list. Raises pydantic.ValidationError: nothing changes."""
        self._replace(RULES.validate_json(body))
        self._release()

    def clear(self) -> None:
        self._replace(())
        self._release()

    def _release(self) -> None:
        """Whoever hangs looks again; the next wait is for the next change."""
        self.released.set()
        self.released = asyncio.Event()

    def _replace(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        for listener in tuple(self.listeners):
            listener()

    def body(self) -> bytes:
        return RULES.dump_json(self.rules, by_alias=True, exclude_defaults=False)  # type: ignore[arg-type]

    def of(self, fault: type[R], stored: Stored) -> R | None:
        """The rule of this class, or of a class below it, on this object."""
        for rule in self.rules:
            if isinstance(rule, fault) and rule.on(stored.kind.kind, stored.namespace, stored.name):
                return rule
        return None

    def hides(self, group: str, kind: str | None = None, *, undefined: bool = False) -> bool:
        """Whether a kind of an API group, or all of the group, is not served now; `undefined`: for
        the CRD is not there."""
        return any(
            isinstance(rule, NotInstalled)
            and fnmatchcase(group, rule.group)
            and (rule.kind == "*" if kind is None else fnmatchcase(kind, rule.kind))
            and not (undefined and rule.defined)
            for rule in self.rules
        )

    def asked(
        self, fault: type[Q], verb: str, kind: str, namespace: str, name: str = ""
    ) -> Q | None:
        """The rule of this class for such a request."""
        for rule in self.rules:
            if isinstance(rule, fault) and rule.asked(verb, kind, namespace, name):
                return rule
        return None

    def happened(self, rule: Counted) -> None:
        """One of its times is over; after the last the rule is gone, which heals nothing."""
        if rule.times is None:
            return
        at = next(place for place, known in enumerate(self.rules) if known is rule)
        left = [rule.model_copy(update={"times": rule.times - 1})] if rule.times > 1 else []
        self.rules = (*self.rules[:at], *left, *self.rules[at + 1 :])
