"""What row-level security costs: our statements alone, without HTTP and GraphQL around them.

Walled is as the API runs: its role, policies, and Postgres told for whom. Open is the same
statements as the owner, whom no policy holds and who is told of nobody. One call of each in turn,
so that whatever else the machine does falls on both. `told anew` is a read by another viewer than
the connection's last one, which is what a busy API mostly does; else the connection knows.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter
from uuid import UUID

from app.db import members, project_pages, projects
from app.db.project_pages import Listing
from app.db.session import Database
from app.domain.pages import Window
from app.domain.states import DesiredState
from app.domain.viewer import Account, Actor, Author, Scope, Viewer
from app.services import projects as verbs
from bench.client import User
from bench.figures import Figures
from bench.scale import Scale
from bench.writer import viewer_of
from tests.acceptance.stack import Stack

_PROJECTS = 20
Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class _Untold:
    """The viewer as whoever did it, of whom Postgres is told nothing."""

    viewer: Viewer
    accounts: tuple[UUID, ...] = ()
    user_id: UUID | None = None
    projects: tuple[UUID, ...] | None = None

    @property
    def actor(self) -> Actor:
        """As the change log and the audit remember it."""
        return self.viewer.actor


async def measure(user: User, stack: Stack, scale: Scale, figures: Figures) -> None:
    """A project by its id, a list with children, and a mutation; of a user who has projects."""
    urls = stack.ready["database"]
    async with AsyncExitStack() as closing:
        walled, open_ = Database(urls["api"], pool=2), Database(urls["owner"], pool=2)
        for database in (walled, open_):
            closing.push_async_callback(database.close)
        viewer = await viewer_of(walled, user)
        # Sees the same, and is another: Postgres is told each time.
        others: Iterator[Scope] = cycle([Account(viewer.home), viewer])
        async with walled.read(viewer) as connection:
            one, another = (await projects.all_ids(connection, viewer))[:2]

        def reads(what: Callable[[Database, Scope], Awaitable[object]]) -> dict[str, Call]:
            return {
                "open": lambda: what(open_, _Untold(viewer)),
                "walled": lambda: what(walled, viewer),
                "told anew": lambda: what(walled, next(others)),
            }

        async def by_id(database: Database, scope: Scope) -> object:
            async with database.read(scope) as connection:
                return await projects.by_ids(connection, viewer, [one])

        async def listed(database: Database, scope: Scope) -> object:
            async with database.read(scope) as connection:
                page = await project_pages.page(connection, viewer, Listing(), Window(_PROJECTS))
                keys = [row.id for row in page.items]
                return await members.of_projects(connection, viewer, keys)

        await _compare("one project", reads(by_id), scale, figures)
        await _compare(f"list of {_PROJECTS} projects", reads(listed), scale, figures)
        mutations = {
            "open": _mutation(open_, _Untold(viewer), viewer, another),
            "walled": _mutation(walled, viewer, viewer, one),
        }
        await _compare("a mutation", mutations, scale, figures)


def _mutation(database: Database, author: Author, viewer: Viewer, project: UUID) -> Call:
    wishes = cycle([DesiredState.STOPPED, DesiredState.RUNNING])

    async def mutate() -> None:
        async with database.begin(author) as session:
            await verbs.want(session, viewer, project, next(wishes))

    return mutate


async def _compare(what: str, calls: dict[str, Call], scale: Scale, figures: Figures) -> None:
    """Median of each, and what it is to that of `open`."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(scale.walled + scale.walled // 10):
        for name, call in calls.items():
            begun = perf_counter()
            await call()
            if number >= scale.walled // 10:  # before that it warms up
                taken[name].append(perf_counter() - begun)
    median = {name: sorted(seconds)[len(seconds) // 2] for name, seconds in taken.items()}
    for name, seconds in median.items():
        figures.add(f"second wall, {what}: {name}, p50", "ms", 1000 * seconds)
        if name != "open":
            figures.add(f"second wall, {what}: {name} / open", "", seconds / median["open"])
