"""What users want, as the load asked for it: the model that the end is held against. Pure.

An intent that was answered has changed this; one that was cut is asked again until it is answered,
so nothing is in doubt when the load ends. `intents` counts what each intent did to each resource,
one line of the history for each: a lost one or a doubled one is another number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

# Subject's global id and action, as the change log has them.
Line = tuple[str, str]


@dataclass
class WantedResource:
    """`spec`: the fields that were given, as the API names them."""

    id: str
    kind: str
    name: str
    spec: dict[str, object]
    desired: str = "RUNNING"
    generation: int = 1


@dataclass
class WantedProject:
    """A project that is to stay, unless `deleted`."""

    id: str
    name: str
    resources: dict[str, WantedResource] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    desired: str = "RUNNING"
    deleted: bool = False

    @property
    def living(self) -> list[WantedResource]:
        return [one for one in self.resources.values() if one.desired != "DELETED"]


class Wanted:
    """Of one user."""

    def __init__(self) -> None:
        self.projects: dict[str, WantedProject] = {}
        self.intents: Counter[Line] = Counter()

    def project(self, key: str, name: str, members: Iterable[WantedResource]) -> WantedProject:
        """createProject was answered."""
        made = self.projects[key] = WantedProject(key, name)
        self.intents[key, "project.create"] += 1
        for member in members:
            self.resource(made, member)
        return made

    def resource(self, project: WantedProject, made: WantedResource) -> None:
        """createSandbox or createDatabase was answered."""
        project.resources[made.id] = made
        self.intents[made.id, f"{made.kind}.create"] += 1

    def want_all(self, project: WantedProject, desired: str, verb: str) -> None:
        """startProject, stopProject or deleteProject was answered."""
        for member in project.living:
            self.want(member, desired, verb)
        project.desired = desired
        project.deleted = project.deleted or desired == "DELETED"

    def want(self, member: WantedResource, desired: str, verb: str) -> None:
        """The same of one resource; a repetition changes nothing."""
        if member.desired not in (desired, "DELETED"):
            member.desired = desired
            self._move(member, verb)

    def edit(self, member: WantedResource, given: dict[str, object]) -> None:
        """updateSandbox or updateDatabase was answered."""
        after = member.spec | given
        if after != member.spec:
            member.spec = after
            self._move(member, "update")

    def port(self, member: WantedResource, port: int, *, opened: bool) -> None:
        """exposePort or unexposePort was answered."""
        before = member.spec.get("ports", [])
        assert isinstance(before, list)
        if (port in before) != opened:
            others = [one for one in before if one != port]
            member.spec["ports"] = sorted([*others, port]) if opened else others
            self._move(member, "expose" if opened else "unexpose")

    def variable(self, project: WantedProject, key: str, value: str) -> None:
        """setVariable was answered: each sandbox is to have it."""
        if project.variables.get(key) != value:
            project.variables[key] = value
            for member in project.living:
                if member.kind == "sandbox":
                    self._move(member, "environment")

    def _move(self, member: WantedResource, verb: str) -> None:
        member.generation += 1
        self.intents[member.id, f"{member.kind}.{verb}"] += 1
