"""The state machine: what may happen next, drawn by Hypothesis, so that a seed replays a run."""

import random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app.db.session import Session
from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from app.services import projects
from app.services.projects import Makers, NewProject
from tests.integration.world import KEYS
from tests.simulation.checks import Broken
from tests.simulation.world import Ground, Shape, World

_INDEX = st.integers(0, 30)


class Machine(RuleBasedStateMachine):
    """One run; `ground` is set before."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.story: list[str] = []
        self._context: Any = None
        self.world: World | None = None
        self._broken = False

    def _do(self, coro: Any) -> Any:
        try:
            return self.ground.loop.run_until_complete(coro)
        except Broken as broken:
            self._broken = True
            raise Broken(str(broken) + "\n\n" + "\n".join(self.story)) from broken
        except BaseException:
            self._broken = True
            raise

    def _tell(self, said: str) -> None:
        at = self.world.passed if self.world else 0
        self.story.append(f"  {len(self.story) + 1:3d}. {at:7.1f} s  {said}")

    @initialize(
        workers=st.integers(2, 3), watch=st.booleans(), notify=st.booleans(), shared=st.booleans()
    )
    def begin(self, workers: int, watch: bool, notify: bool, shared: bool) -> None:
        shape = Shape(workers=workers, watch=watch, notify=notify, shared=shared)
        self._context = self.ground.world(shape)
        self.world = self._do(self._context.__aenter__())
        self._tell(str(shape))

    @rule(user=st.integers(0, 1), databases=st.booleans())
    def create(self, user: int, databases: bool) -> None:
        world = self.world
        assert world is not None
        viewer = world.users.viewers[user]
        new = NewProject(f"shop{len(self.story)}", databases=None if databases else ())
        makers = Makers(world.settings, KEYS)

        async def verb(session: Session, viewer: Viewer) -> object:
            return await projects.create(session, viewer, makers, new)

        self._tell(f"user{user + 1} creates {new.name}{' with a database' if databases else ''}")
        world.users.intend(f"create {new.name}", viewer, verb)
        self._do(world.scheduler.settled())

    @rule(index=_INDEX, desired=st.sampled_from(DesiredState))
    def want(self, index: int, desired: DesiredState) -> None:
        world = self.world
        assert world is not None
        found = sorted({row["project_id"] for row in world.checks.rows.values()})
        if not found:
            return
        project = found[index % len(found)]

        async def verb(session: Session, viewer: Viewer) -> object:
            return await projects.want(session, viewer, project, desired)

        account = next(
            row["account_id"] for row in world.checks.rows.values() if row["project_id"] == project
        )
        viewer = next(v for v in world.users.viewers if str(v.home) == account)
        self._tell(f"{desired} is wanted of project {project}")
        world.users.intend(f"{desired}", viewer, verb)
        self._do(world.scheduler.settled())

    @rule(index=_INDEX, times=st.integers(1, 60))
    def advance(self, index: int, times: int) -> None:
        world = self.world
        assert world is not None
        self._tell(f"somebody goes on {index} {times}")
        self._do(world.step(index, times))

    @rule(seed=st.integers(0, 2**16))
    def rest(self, seed: int) -> None:
        world = self.world
        assert world is not None
        self._tell("all go on")
        self._do(world.rest(random.Random(seed)))

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0, 40.0]))
    def pass_time(self, seconds: float) -> None:
        world = self.world
        assert world is not None
        self._tell(f"{seconds} s pass")
        self._do(world.pass_time(seconds))

    @rule(index=_INDEX)
    def crash(self, index: int) -> None:
        world = self.world
        assert world is not None
        worker = world.workers[index % len(world.workers)]
        if worker.alive:
            self._tell(f"{worker.name} crashes")
            self._do(worker.kill())
        else:
            self._tell(f"{worker.name} begins anew")
            worker.begin()
            self._do(world.scheduler.settled())

    @rule(index=_INDEX)
    def pause(self, index: int) -> None:
        world = self.world
        assert world is not None
        worker = world.workers[index % len(world.workers)]
        worker.actor.paused = not worker.actor.paused
        self._tell(f"{worker.name} {'pauses' if worker.actor.paused else 'goes on'}")

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            if not self._broken:
                self._tell("all faults end")
                self._do(self.world.settle(1, within=400))
        finally:
            self.ground.loop.run_until_complete(self._context.__aexit__(None, None, None))
