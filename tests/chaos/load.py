"""Users with projects, each of which somebody changes at random, one intent after the other.

The choice of intents is the seed's: a project's actor draws from a generator of its own, whatever
the others do, so a seed replays it (when and in which order they meet is the machine's).
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from tests.chaos.caller import Caller, Refused
from tests.chaos.wanted import Wanted, WantedProject, WantedResource

PROJECTS_PER_USER = 25
_IMAGES = ("docker.io/library/debian:12", "docker.io/library/debian:13", "quay.io/mooring/box:7")
_CPUS = ("500m", "1", "2")
_MEMORIES = ("512Mi", "1Gi", "2Gi")
_PORTS = (3001, 4000, 5173)
_KEYS = ("A", "B", "C")
_DESIRED = {"start": "RUNNING", "stop": "STOPPED", "delete": "DELETED"}
# As the rest of the run allows: the limit of a project is twenty of each kind.
_MOST = 4


class User:
    """`wanted` is what the end is held against."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.wanted = Wanted()
        self.asked: Counter[str] = Counter()
        self.problems: list[str] = []


class Actor:
    """Of one project at a time; when that is deleted it makes another."""

    def __init__(self, user: User, seed: str) -> None:
        self._user = user
        self._ask = user.caller.ask
        self._safely = user.caller.safely
        self._random = random.Random(seed)
        self._wanted = user.wanted
        self._project: WantedProject | None = None
        self._made = 0
        self._choices: dict[Callable[[WantedProject], Awaitable[None]], int] = {
            self._want_project: 5,
            self._want_one: 7,
            self._edit: 4,
            self._variable: 3,
            self._port: 2,
            self._add: 3,
            self._retry: 3,
            self._repeat: 1,
            self._rename: 1,
        }

    async def run(self, until: asyncio.Event, pace: float) -> None:
        """An intent about every `pace` seconds until the event."""
        while not until.is_set():
            await self.step()
            wait = self._random.expovariate(1 / pace)
            try:
                async with asyncio.timeout(min(wait, 4 * pace)):
                    await until.wait()
            except TimeoutError:
                continue

    async def step(self) -> None:
        """One intent."""
        project = self._project
        if project is None or project.deleted:
            self._project = await self._create()
            return
        choices = list(self._choices)
        chosen = self._random.choices(choices, list(self._choices.values()))[0]
        self._user.asked[chosen.__name__.strip("_")] += 1
        try:
            await chosen(project)
        except Refused as error:
            self._user.problems.append(f"{chosen.__name__} was refused: {error}")

    def _key(self) -> str:
        """An idempotency key that a replay gives again."""
        return str(UUID(int=self._random.getrandbits(128)))

    def _name(self) -> str:
        self._made += 1
        return f"r{self._made}"

    async def _create(self) -> WantedProject:
        draw = self._random
        sandboxes = [self._sandbox() for _ in range(draw.choice((1, 1, 1, 2)))]
        databases = [self._database() for _ in range(draw.choice((0, 1)))]
        given = {
            "name": f"p{draw.randrange(10**6)}",
            "sandboxes": sandboxes,
            "databases": databases,
        }
        key = self._key()
        document = """mutation ($i: CreateProjectInput!, $k: String) {
          createProject(input: $i, idempotencyKey: $k) { errors { code message } project {
            id name sandboxes { id name } databases { id name } } } }"""
        found = (await self._safely(document, i=given, k=key))["createProject"]["project"]
        if draw.random() < 0.2:
            again = (await self._safely(document, i=given, k=key))["createProject"]["project"]
            self._same("createProject", found["id"], again["id"])
        self._user.asked["create"] += 1
        members = [*_made("sandbox", sandboxes, found["sandboxes"])]
        members += _made("database", databases, found["databases"])
        return self._wanted.project(found["id"], found["name"], members)

    def _same(self, what: str, first: str, again: str) -> None:
        if first != again:
            said = f"{what} made another one for the same idempotency key: {first}, {again}"
            self._user.problems.append(said)

    def _sandbox(self) -> dict[str, Any]:
        draw = self._random
        spec = {"image": draw.choice(_IMAGES), "cpu": draw.choice(_CPUS)}
        return {"name": self._name(), **spec, "memory": draw.choice(_MEMORIES)}

    def _database(self) -> dict[str, Any]:
        draw = self._random
        return {"name": self._name(), "cpu": draw.choice(_CPUS), "memory": draw.choice(_MEMORIES)}

    def _one(self, project: WantedProject, kind: str | None = None) -> WantedResource | None:
        found = [one for one in project.living if kind in (None, one.kind)]
        return self._random.choice(found) if found else None

    async def _want_project(self, project: WantedProject) -> None:
        verb = self._random.choices(("start", "stop", "delete"), (4, 4, 1))[0]
        await self._wish(verb, "project", project.id)
        self._wanted.want_all(project, _DESIRED[verb], verb)

    async def _want_one(self, project: WantedProject) -> None:
        verb = self._random.choices(("start", "stop", "delete"), (3, 3, 1))[0]
        member = self._one(project)
        if member is None:
            return
        await self._wish(verb, member.kind, member.id)
        self._wanted.want(member, _DESIRED[verb], verb)

    async def _wish(self, verb: str, kind: str, key: str) -> None:
        """What a deletion that was cut had done already is no refusal."""
        field = f"{verb}{kind.capitalize()}(id: $id, ifGeneration: $at)"
        document = f"mutation ($id: ID!, $at: Int!) {{ {field} {{ {kind} {{ id }} }} }}"
        try:
            await self._at(document, key)
        except Refused as error:
            if (verb, error.code) != ("delete", "NOT_FOUND"):
                raise

    async def _at(self, document: str, key: str, **variables: object) -> dict[str, Any] | None:
        """A wish of the generation that this is at; None: it was carried out without an answer."""
        read = """query ($id: ID!) { node(id: $id) { ... on Project { generation }
          ... on Sandbox { generation } ... on Database { generation } } }"""
        seen = await self._safely(read, id=key)
        return await self._user.caller.at(seen["node"]["generation"], document, id=key, **variables)

    async def _edit(self, project: WantedProject) -> None:
        member = self._one(project)
        if member is None:
            return
        made = self._sandbox() if member.kind == "sandbox" else self._database()
        key = self._random.choice([key for key in made if key != "name"])
        title = member.kind.capitalize()
        document = f"""mutation ($id: ID!, $at: Int!, $i: Update{title}Input!) {{
          update{title}(id: $id, ifGeneration: $at, input: $i) {{ errors {{ code message }} }} }}"""
        found = await self._at(document, member.id, i={key: made[key]})
        if self._accepted(f"update{title}", found):
            self._wanted.edit(member, {key: made[key]})

    async def _variable(self, project: WantedProject) -> None:
        key, value = self._random.choice(_KEYS), str(self._random.randrange(5))
        document = """mutation ($id: ID!, $i: SetVariableInput!) {
          setVariable(projectId: $id, input: $i) { errors { code message } } }"""
        found = await self._ask(
            document, id=project.id, i={"key": key, "value": value, "isSecret": False}
        )
        if self._accepted("setVariable", found):
            self._wanted.variable(project, key, value)

    async def _port(self, project: WantedProject) -> None:
        member, opened = self._one(project, "sandbox"), self._random.random() < 0.6
        if member is None:
            return
        field, port = "exposePort" if opened else "unexposePort", self._random.choice(_PORTS)
        document = f"""mutation ($id: ID!, $at: Int!, $i: PortInput!) {{
          {field}(sandboxId: $id, input: $i, ifGeneration: $at) {{
            errors {{ code message }} }} }}"""
        found = await self._at(document, member.id, i={"port": port})
        if self._accepted(field, found):
            self._wanted.port(member, port, opened=opened)

    async def _add(self, project: WantedProject) -> None:
        kind = self._random.choice(("sandbox", "database"))
        # Those that are on their way out count too, and we do not see them.
        if sum(one.kind == kind for one in project.resources.values()) >= _MOST:
            return
        given = self._sandbox() if kind == "sandbox" else self._database()
        title, key = kind.capitalize(), self._key()
        document = f"""mutation ($p: ID!, $i: {title}Input!, $k: String) {{
          create{title}(projectId: $p, input: $i, idempotencyKey: $k) {{
            errors {{ code message }} {kind} {{ id name }} }} }}"""
        found = await self._safely(document, p=project.id, i=given, k=key)
        if self._accepted(f"create{title}", found):
            made = found[f"create{title}"][kind]
            again = await self._safely(document, p=project.id, i=given, k=key)
            self._same(f"create{title}", made["id"], again[f"create{title}"][kind]["id"])
            for one in _made(kind, [given], [made]):
                self._wanted.resource(project, one)

    async def _retry(self, project: WantedProject) -> None:
        document = "mutation ($id: ID!) { retryProject(id: $id) { project { id } } }"
        await self._safely(document, id=project.id)

    async def _repeat(self, project: WantedProject) -> None:
        """What is wanted already: a success that changes nothing."""
        member = self._one(project)
        if member is None:
            return
        verb = {"RUNNING": "start", "STOPPED": "stop"}[member.desired]
        await self._wish(verb, member.kind, member.id)

    async def _rename(self, project: WantedProject) -> None:
        name = f"p{self._random.randrange(10**6)}"
        document = """mutation ($id: ID!, $at: Int!, $i: UpdateProjectInput!) {
          updateProject(id: $id, ifGeneration: $at, input: $i) { errors { code message } } }"""
        found = await self._at(document, project.id, i={"name": name})
        if self._accepted("updateProject", found):
            project.name = name

    def _accepted(self, field: str, found: dict[str, Any] | None) -> bool:
        errors = found[field]["errors"] if found else []
        if errors:
            self._user.problems.append(f"{field}: {errors}")
        return not errors


def _made(
    kind: str, given: list[dict[str, Any]], found: list[dict[str, Any]]
) -> list[WantedResource]:
    ids = {one["name"]: one["id"] for one in found}
    return [
        WantedResource(
            ids[one["name"]],
            kind,
            one["name"],
            {key: value for key, value in one.items() if key != "name"},
        )
        for one in given
    ]
