"""The state machine: what may happen next, drawn by Hypothesis, so that a seed replays a run.

Rules draw numbers; what a number means depends on what there is then, so that no run is cut short.
Each tells the story, which is what a failure shows. Which rules a run has at all is drawn too
(swarm testing): in some nobody wants anything more, in some nobody is woken, in some nothing
breaks; without such runs neither `asked` nor the fence is proven (data-layer.md section 1).
"""

import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from app.domain.states import DesiredState
from app.domain.viewer import Viewer
from tests.simulation import faults, hands, schedules, wishes
from tests.simulation.checks import Broken
from tests.simulation.tally import Tally
from tests.simulation.worker import Worker
from tests.simulation.world import Ground, Play, Shape, World

T = TypeVar("T")
_NUMBER, _WHICH = st.integers(0, 2**16), st.integers(0, 2)
# Seconds until what is settled is looked at again: where that is waited for, and as is usual.
_SOON, _LATER = 20.0, 300.0
_SHAPES = st.builds(
    Shape,
    workers=st.integers(2, 3),
    watch=st.booleans(),
    notify=st.booleans(),
    shared=st.booleans(),
    at_once=st.sampled_from([1, 1, 2, 16]),
    patient=st.sampled_from([False, True, True]),
    recheck=st.sampled_from([_SOON, _LATER]),
)
# Awaits in which a task comes through a statement.
_STATEMENT = 12
# Resources that a project has before two reconcilers are to meet over it.
_SIBLINGS = 2
# Seconds: less than a poll, a poll, a limit of a request, past a lease.
_SECONDS = st.sampled_from([0.5, 3.5, 11.0, 26.0, 45.0, 130.0])


class Machine(RuleBasedStateMachine):
    """One run; `ground` and `tally` are set before. `broken`: how the first ended that failed."""

    ground: ClassVar[Ground]
    tally: ClassVar[Tally]
    broken: ClassVar[BaseException | None] = None
    first: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.story: list[str] = []
        self.happened = 0
        self.farewell = False
        self._context: Any = None
        self._world: World | None = None
        self._failed = False

    @property
    def world(self) -> World:
        """The run, which has begun."""
        assert self._world is not None
        return self._world

    @initialize(
        shape=_SHAPES,
        projects=st.lists(
            st.tuples(st.integers(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=2
        ),
        number=_NUMBER,
    )
    def begin(self, shape: Shape, projects: list[tuple[int, bool, bool]], number: int) -> None:
        """Everybody is there, and there is something to do; sometimes it is done already."""
        if type(self).first:
            type(self).first = False
            reject()  # Hypothesis begins with its simplest, which is the same for all seeds
        self.farewell = number % 4 < 2
        self._context = self.ground.world(Play(shape, self.tally, self._hear))
        self._world = self._do(self._context.__aenter__())
        self._tell(str(shape))
        for user, database, sandbox in projects:
            self._create(user, database=database, sandbox=sandbox)
        if number % 2:
            self._tell("all go on for a while")
            self._do(self.world.live(random.Random(number), 2_000))

    @rule(name=st.sampled_from(wishes.NAMES), number=_NUMBER)
    def wish(self, name: str, number: int) -> None:
        """A user wants something of what there is; what there is no more, anew."""
        found = self.world.targets()
        if not found:
            self._create(number % 2, database=number % 3 == 0, sandbox=True)
            return
        self._want(name, found[number % len(found)], number)

    @rule(name=st.sampled_from(wishes.NAMES), number=_NUMBER)
    def wish_too(self, name: str, number: int) -> None:
        """The same, so that it is drawn more often."""
        self.wish(name, number)

    @rule(name=st.sampled_from(wishes.KUBECONFIGS), number=_NUMBER)
    def own_cluster(self, name: str, number: int) -> None:
        """A user brings a cluster, or another, has it looked at, or takes it away."""
        viewer = self.world.users.viewers[number % len(self.world.users.viewers)]
        if not self._do(self.world.is_leaving(viewer)):
            self._want_of(viewer, name)

    @rule(number=_NUMBER)
    def leave(self, number: int) -> None:
        """A user who has something wants to be gone, with all of it; then another comes."""
        viewer, chance = self.world.users.viewers[-1], random.Random(number)
        if self._do(self.world.is_leaving(viewer)):
            guest = self._do(self.world.welcome())
            self._tell(f"{guest.login} comes")
            return
        if not any(target.account == viewer.home for target in self.world.targets()):
            self._create(-1, database=number % 3 == 0, sandbox=True)
            self._tell("all go on for a while")
            self._do(self.world.live(chance, 400))
        wish = wishes.farewell(viewer.login, viewer.home)
        self._tell(f"a user wants: {wish.said}")
        self.tally.wished["delete the account"] += 1
        self._do(self.world.wish(wish))
        self._do(self.world.live(chance, number % 400))

    @rule(name=st.sampled_from(wishes.KUBECONFIGS), number=_NUMBER)
    def look_meanwhile(self, name: str, number: int) -> None:
        """A user brings another cluster while his is looked at."""
        met = self._looked_at(number)
        if met is not None:
            account = met[1]
            viewer = next(v for v in self.world.users.viewers if v.home == account)
            self._note("a wish comes during a look", "a kubeconfig is looked at")
            self._want_of(viewer, name)
            self._do(schedules.answered(self.world, random.Random(number)))

    @rule(number=_NUMBER)
    def look_late(self, number: int) -> None:
        """A look outlasts its lease."""
        self._asks_for_a_look(number)
        worker = self._do(schedules.look_comes_late(self.world, random.Random(number)))
        if worker is not None:
            self._note("a look comes too late", f"{worker} slept in a look")

    @rule(number=_NUMBER)
    def put_off_meanwhile(self, number: int) -> None:
        """Somebody asks for what a reconciler is about to put off."""
        if not self.world.shape.watch or self.world.shape.recheck > _SOON:
            return
        chance = self._awake(number)
        self._tell("they go on until one puts off a look")
        seconds = 3 * self.world.shape.recheck
        met = self._do(schedules.put_off(self.world, chance, seconds))
        target = next((t for t in self.world.targets() if met and t.key == met[1]), None)
        if met is not None and target is not None:
            self._note("a wish comes while a look is put off", "then somebody has a wish")
            viewer = next(v for v in self.world.users.viewers if v.home == target.account)
            # Asks for a look at all that he has, and changes nothing of it.
            self._want_of(viewer, wishes.SET_KUBECONFIG)
            self._do(schedules.answered(self.world, chance))
            self._do(self.world.stay_with(met[0], _STATEMENT))

    @rule(number=_NUMBER, most=st.integers(1, 60))
    def stay_with(self, number: int, most: int) -> None:
        """One task goes on alone."""
        self._tell(f"one task goes on, up to {most} awaits")
        self._do(schedules.stay_with(self.world, number, most))

    @rule(number=_NUMBER, most=st.integers(1, 80), which=_WHICH)
    def one_goes_on(self, number: int, most: int, which: int) -> None:
        """One reconciler goes on alone."""
        worker = self._worker(which)
        self._tell(f"{worker.name} goes on by {most} awaits")
        self._do(self.world.go_on(random.Random(number), most, worker))

    @rule(number=_NUMBER, most=st.integers(1, 300))
    def all_go_on(self, number: int, most: int) -> None:
        """Everybody goes on, in some order."""
        self._tell(f"all go on, by {most} awaits together")
        self._do(self.world.live(random.Random(number), most))

    @rule(number=_NUMBER, most=st.integers(1, 600))
    def all_go_on_too(self, number: int, most: int) -> None:
        """The same, for longer."""
        self.all_go_on(number, most)

    @rule(number=_NUMBER, most=st.integers(1, 200))
    def one_waits(self, number: int, most: int) -> None:
        """An await of somebody takes long."""
        chance = random.Random(number)
        held = self._do(schedules.one_waits(self.world, chance, number, most))
        self._tell(f"all go on but {held}, by up to {most} awaits together")

    @rule(number=_NUMBER, seconds=st.sampled_from([3.5, 45.0]))
    def stall(self, number: int, seconds: float) -> None:
        """A reconciler stops between its last look at its lease and what it does then."""
        chance = self._stirred(number)
        self._tell("they go on until one may write")
        worker = self._do(schedules.stall(self.world, chance, seconds))
        if worker is not None:
            self._note("a reconciler stalls before a write", f"{worker} stalls for {seconds} s")

    @rule(number=_NUMBER, seconds=st.sampled_from([26.0, 26.0, 45.0]))
    def wait_long(self, number: int, seconds: float) -> None:
        """A pass waits amid its writes: into the margin at the end of its lease, or past it."""
        chance = self._stirred(number)
        self._tell("they go on until one may write, which then waits")
        held = self._do(schedules.wait_long(self.world, chance, number, seconds))
        if held is not None:
            self._note("a pass waits long", f"that was {held}, for {seconds} s")

    @rule(number=_NUMBER)
    def oversleep(self, number: int) -> None:
        """A reconciler wakes with its renewals when its rows are another's."""
        chance = self._stirred(number)
        self._tell("one sleeps past its leases, and renews them")
        taker = self._do(schedules.oversleep(self.world, chance))
        if taker is not None:
            self._note("a renewal comes too late", f"{taker} had claimed one of them")

    @rule(number=_NUMBER)
    def records_meet(self, number: int) -> None:
        """All of a project are to move, and two reconcilers record it at once."""
        chance = self._stirred(number)
        self._tell("whoever comes to a record waits for another of the same project")
        if self._do(schedules.records_meet(self.world, chance)):
            self._note("records of one project meet", "two of them meet")

    @rule(name=st.sampled_from(wishes.NAMES), number=_NUMBER)
    def wish_meanwhile(self, name: str, number: int) -> None:
        """A user wants something of what a pass is at work on."""
        chance = self._stirred(number)
        self._tell("they go on until one may write")
        target = self._do(schedules.under_way(self.world, chance))
        if target is not None:
            self._note("a wish comes during a pass", "then somebody has a wish")
            self._want(name, target, number)
            self._do(schedules.answered(self.world, chance))

    @rule(seconds=_SECONDS)
    def pass_time(self, seconds: float) -> None:
        """The clock moves."""
        self._tell(f"{seconds} s pass")
        self._do(self.world.pass_time(seconds))

    @rule(which=_WHICH)
    def crash(self, which: int) -> None:
        """A reconciler dies, or begins its next life."""
        worker = self._worker(which)
        if worker.alive:
            self._note("a reconciler crashes", f"{worker.name} crashes")
            self._do(worker.kill())
        else:
            self._tell(f"{worker.name} begins anew")
            worker.begin()
            self._do(self.world.scheduler.settled())

    @rule(which=_WHICH)
    def pause(self, which: int) -> None:
        """A reconciler gets no processor, or gets it again."""
        worker = self._worker(which)
        worker.actor.paused = not worker.actor.paused
        if worker.actor.paused:
            self._note("a reconciler is paused", f"{worker.name} is paused")
        else:
            self._tell(f"{worker.name} wakes")

    @rule(name=st.sampled_from(faults.NAMES), number=_NUMBER)
    def fault(self, name: str, number: int) -> None:
        """Something is wrong with the cluster."""
        made = self._do(self.world.fault(name, number))
        self._note(name, f"{name}: {made}")

    @precondition(lambda self: self._world is not None and self._world.faults)
    @rule()
    def heal(self) -> None:
        """All is well with the cluster."""
        self._tell("all is well with the cluster")
        self._do(self.world.heal())

    @rule(deed=st.sampled_from(hands.NAMES), number=_NUMBER)
    def by_hand(self, deed: str, number: int) -> None:
        """Somebody does something to our objects."""
        done = self._do(self.world.lend_a_hand(deed, number))
        if done is not None:
            self._note(f"somebody {deed}", f"somebody {done}")

    @rule(what=st.sampled_from(["slow", "wire", "hang up", "restart"]))
    def disturb(self, what: str) -> None:
        """Pods take their time; notifications are lost or come again; Postgres hangs up."""
        if what == "slow":
            self._note("pods and databases are slow", "pods and databases take for ever")
            self._do(self.world.slow_down())
        elif what == "hang up":
            self._note("Postgres hangs up", "Postgres hangs up on all reconcilers")
            self._do(self.world.hang_up(everybody=False))
        elif what == "restart":
            self._note("Postgres hangs up", "Postgres hangs up on everybody")
            self._do(self.world.hang_up(everybody=True))
        elif self.world.shape.notify:
            self._cut_the_wire()

    def teardown(self) -> None:
        """Whatever was wrong ends, and the world has to come to what is wanted."""
        if self._world is None:
            return
        try:
            if not self._failed and self.farewell:
                self._take_leave()
            if not self._failed:
                self._tell("all that was wrong ends")
                self._do(self.world.settle(self.happened))
        finally:
            self.ground.loop.run_until_complete(self._context.__aexit__(None, None, None))

    def _take_leave(self) -> None:
        """In the end everything is to go, while all that is wrong still is."""
        world = self.world
        for target in {one.project: one for one in world.targets()}.values():
            self._want("delete the project of", target, 0)
        self._tell("all go on for a while")
        self._do(world.live(random.Random(self.happened), 600))

    def _want(self, name: str, target: wishes.Target, number: int) -> None:
        wish = wishes.wish(self.world.makers, name, target, number)
        self._tell(f"a user wants: {wish.said}")
        self.tally.wished[name] += 1
        self._do(self.world.wish(wish))

    def _want_of(self, viewer: Viewer, name: str) -> None:
        wish = wishes.of_account(name, viewer.login, viewer.home)
        self._tell(f"a user wants: {wish.said}")
        self.tally.wished[name] += 1
        self._do(self.world.wish(wish))

    def _looked_at(self, number: int) -> tuple[Worker, UUID] | None:
        self._asks_for_a_look(number)
        return self._do(schedules.look_under_way(self.world, random.Random(number)))

    def _asks_for_a_look(self, number: int) -> None:
        """All reconcilers are awake, and somebody's kubeconfig is to be looked at."""
        chance = self._awake(number)
        staying = self.world.users.followed
        self._want_of(staying[number % len(staying)], wishes.SET_KUBECONFIG)
        self._do(schedules.answered(self.world, chance))
        self._tell("they go on until one looks at it")

    def _awake(self, number: int) -> random.Random:
        """All reconcilers are awake. What is drawn from then."""
        chance = random.Random(number)
        for worker in self.world.workers:
            worker.actor.paused = False
            if not worker.alive:
                worker.begin()
        self._do(schedules.answered(self.world, chance))
        return chance

    def _stirred(self, number: int) -> random.Random:
        """All reconcilers are awake, and mostly there is something to do: the project that has
        most in it starts or stops, having got more if it had little. What is drawn from then."""
        chance = self._awake(number)
        found = [one for one in self.world.targets() if not self._is(one, DesiredState.DELETED)]
        members = Counter(target.project for target in found)
        if not found:
            self._create(number % 2, database=True, sandbox=True)
        elif number % 8:
            one = max(found, key=lambda target: members[target.project])
            if members[one.project] < _SIBLINGS:
                self._want("add one to the project of", one, number | 1)
            verb = "stop" if self._is(one, DesiredState.RUNNING) else "start"
            self._want(f"{verb} the project of", one, number)
        self._do(schedules.answered(self.world, chance))
        return chance

    def _is(self, target: wishes.Target, wanted: DesiredState) -> bool:
        return bool(self.world.checks.rows[target.key]["desired_state"] == wanted)

    def _worker(self, which: int) -> Worker:
        return self.world.workers[which % len(self.world.workers)]

    def _cut_the_wire(self) -> None:
        wire = self.world.wire
        wire.cut = not wire.cut
        if wire.cut:
            self._note("notifications are lost", "notifications are lost from now on")
        else:
            self._tell("notifications come again")

    def _create(self, user: int, *, database: bool, sandbox: bool) -> None:
        viewer = self.world.users.viewers[user]
        account, name = viewer.home, f"shop{self.happened}"
        wish = wishes.creation(self.world.makers, account, name, database=database, sandbox=sandbox)
        self._tell(f"{viewer.login} wants: {wish.said}")
        self.tally.wished["create"] += 1
        self._do(self.world.wish(wish))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self.ground.loop.run_until_complete(work)
        except BaseException as error:
            self._failed = True
            told = Broken(f"{error!r}\n\nThe story:\n" + "\n".join(self.story))
            if Machine.broken is None:
                Machine.broken = told
            raise told from error

    def _note(self, name: str, said: str) -> None:
        self.tally.faults[name] += 1
        self._tell(said)

    def _hear(self, said: str) -> None:
        self.story.append(f"{'':20}{said}")

    def _tell(self, said: str) -> None:
        at = self.world.passed if self._world is not None else 0.0
        self.happened += 1
        self.story.append(f"{self.happened:4d}. {at:7.1f} s  {said}")
