"""Pages of projects on a real Postgres against the list and Relay's rules in plain Python."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import migrations, project_pages, projects
from app.db.accounts import UserRow
from app.db.project_pages import Listing, ProjectOrderField
from app.db.projects import LockedProject, ProjectRow
from app.db.session import Database
from app.domain import pages
from app.domain.aggregate import ProjectStatus
from app.domain.ids import new_id
from app.domain.pages import Asked, Direction, Page
from app.domain.states import DesiredState
from app.domain.viewer import API, Scope
from app.postgres import EmbeddedPostgres
from tests.integration.world import again, viewer_of
from tests.postgres import make_database

EACH = settings(
    max_examples=60,
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# Letters whose case is more than a bit, and what LIKE would take for a pattern.
WORDS = st.text("aAäÄßSſσςΣжЖ%_\\", max_size=3)  # noqa: RUF001
MOST = 12
BASE = datetime(2026, 11, 25, 12, tzinfo=UTC)
TIMES = st.integers(0, 3).map(lambda n: BASE + timedelta(microseconds=n))
BEFORE = (
    """INSERT INTO "user" (id, login) VALUES (:id, 'ada')""",
    "INSERT INTO account (id, owner_id, login) VALUES (:id, :id, 'ada')",
    "INSERT INTO membership (account_id, user_id, role) VALUES (:id, :id, 'OWNER')",
    "INSERT INTO feed (account_id) VALUES (:id)",
)
STATUSES = st.sampled_from([ProjectStatus.RUNNING, ProjectStatus.STOPPED, ProjectStatus.ERROR])


@dataclass(frozen=True)
class Given:
    """A project to be listed; `owner` 0 or 1."""

    name: str
    description: str | None
    status: ProjectStatus
    created_at: datetime
    updated_at: datetime
    owner: int
    id: UUID


@dataclass(frozen=True)
class Accounts:
    """The scope of one user, or of one who sees the accounts of both."""

    accounts: tuple[UUID, ...]
    user_id: None = None
    projects: None = None


PROJECTS = st.lists(
    st.builds(
        Given, WORDS, st.none() | WORDS, STATUSES, TIMES, TIMES, st.integers(0, 1), st.uuids()
    ),
    max_size=MOST,
    unique_by=lambda project: project.id,
)
LISTINGS = st.builds(
    Listing,
    st.none() | st.frozensets(STATUSES),
    st.none() | WORDS,
    st.sampled_from(ProjectOrderField),
    st.sampled_from(Direction),
)


def in_order(given: list[Given], listing: Listing) -> list[Given]:
    """The whole list, by what the schema says about filter and order."""

    def matches(project: Given) -> bool:
        texts = [project.name.casefold(), (project.description or "").casefold()]
        searched = listing.search is None or any(listing.search.casefold() in t for t in texts)
        return searched and (listing.statuses is None or project.status in listing.statuses)

    def key(project: Given) -> tuple[Any, UUID]:
        by: dict[ProjectOrderField, Any] = {
            ProjectOrderField.CREATED_AT: project.created_at,
            ProjectOrderField.UPDATED_AT: project.updated_at,
            ProjectOrderField.NAME: project.name.casefold(),
        }
        return by[listing.field], project.id

    found = [project for project in given if matches(project)]
    return sorted(found, key=key, reverse=listing.direction == Direction.DESC)


@dataclass(frozen=True)
class Lists:
    """The lists of two users, filled anew for each example."""

    database: Database
    accounts: tuple[UUID, UUID]

    async def fill(self, given: list[Given]) -> None:
        async with self.database.begin(API) as session:
            await session.execute(text("DELETE FROM project"))
        await self.add(given)

    async def add(self, given: list[Given]) -> None:
        async with self.database.begin(API) as session:
            for one in given:
                locked = LockedProject(
                    one.id,
                    self.accounts[one.owner],
                    one.name,
                    one.status,
                    DesiredState.RUNNING,
                    generation=1,
                )
                await projects.insert(
                    session, locked, description=one.description, github_repo=None
                )
                await session.execute(
                    text("UPDATE project SET created_at = :c, updated_at = :u WHERE id = :id"),
                    {"c": one.created_at, "u": one.updated_at, "id": one.id},
                )

    async def remove(self, key: UUID) -> None:
        async with self.database.begin(API) as session:
            await session.execute(text("DELETE FROM project WHERE id = :id"), {"id": key})

    async def rename(self, key: UUID) -> None:
        async with self.database.begin(API) as session:
            await projects.describe(session, key, name="ß", description=None, github_repo=None)

    async def page(self, scope: Scope, listing: Listing, **asked: Any) -> Page[ProjectRow]:
        window = Asked(**asked).window(listing.scope, listing.key)
        async with self.database.read(API) as connection:
            return await project_pages.page(connection, scope, listing, window)

    async def walk(
        self, scope: Scope, listing: Listing, size: int, *, backward: bool = False
    ) -> list[Page[ProjectRow]]:
        """All pages, by the cursors of their ends."""
        asked: dict[str, Any] = {"last" if backward else "first": size}
        walked: list[Page[ProjectRow]] = []
        while len(walked) < MOST:
            page = await self.page(scope, listing, **asked)
            walked.append(page)
            if not (page.has_previous if backward else page.has_next):
                break
            end = page.items[0 if backward else -1]
            asked["before" if backward else "after"] = cursor(listing, end)
        return walked


def cursor(listing: Listing, row: ProjectRow) -> str:
    return pages.encode(listing.scope, listing.place(row))


def keys(page: Page[ProjectRow]) -> list[UUID]:
    return [row.id for row in page.items]


@pytest.fixture
async def lists(database: Database) -> Lists:
    ada, bob = await viewer_of(database), await viewer_of(database, "bob")
    return Lists(database, (ada.home, bob.home))


@EACH
@given(PROJECTS, LISTINGS, st.integers(1, 5), st.booleans())
async def test_paging_either_way_gives_the_list_of_those_who_may_see_it(
    lists: Lists, given: list[Given], listing: Listing, size: int, both: bool
) -> None:
    await lists.fill(given)
    scope = Accounts(lists.accounts if both else lists.accounts[:1])
    expected = [p.id for p in in_order([p for p in given if both or p.owner == 0], listing)]

    forward = await lists.walk(scope, listing, size)
    backward = await lists.walk(scope, listing, size, backward=True)
    async with lists.database.read(API) as connection:
        total = await project_pages.count(connection, scope, listing)

    assert [key for page in forward for key in keys(page)] == expected
    assert [key for page in reversed(backward) for key in keys(page)] == expected
    assert [page.has_previous for page in forward] == [False] + [True] * (len(forward) - 1)
    assert [page.has_next for page in backward] == [False] + [True] * (len(backward) - 1)
    assert total == len(expected)


@EACH
@given(PROJECTS, LISTINGS, st.data())
async def test_a_window_between_two_cursors_says_of_the_rest_what_relay_says(
    lists: Lists, given: list[Given], listing: Listing, data: st.DataObject
) -> None:
    await lists.fill(given)
    scope = Accounts(lists.accounts)
    [whole] = await lists.walk(scope, listing, 20)
    length = len(whole.items)
    places = st.none() | st.integers(0, length - 1) if length else st.none()
    after, before, size = data.draw(places), data.draw(places), data.draw(st.integers(1, 4))
    asked: dict[str, Any] = {}
    if after is not None:
        asked["after"] = cursor(listing, whole.items[after])
    if before is not None:
        asked["before"] = cursor(listing, whole.items[before])
    # Specification, section 4.4: ApplyCursorsToEdges, HasPreviousPage, HasNextPage.
    edges = keys(whole)[0 if after is None else after + 1 : length if before is None else before]

    first = await lists.page(scope, listing, first=size, **asked)
    last = await lists.page(scope, listing, last=size, **asked)

    assert keys(first) == edges[:size]
    assert first.has_next == (len(edges) > size)
    assert first.has_previous == (after is not None)
    assert keys(last) == edges[-size:]
    assert last.has_previous == (len(edges) > size)
    assert last.has_next == (before is not None)


@EACH
@given(PROJECTS, LISTINGS, st.booleans(), st.data())
async def test_what_happens_between_pages_repeats_and_skips_nothing_that_stays(
    lists: Lists, given: list[Given], listing: Listing, backward: bool, data: st.DataObject
) -> None:
    half = len(given) // 2
    given, comes = given[half:], given[:half]
    fates = [data.draw(st.sampled_from([None, lists.remove, lists.rename])) for _ in given]
    acts = [partial(act, p.id) for p, act in zip(given, fates, strict=True) if act]
    acts = data.draw(st.permutations([*acts, *(partial(lists.add, [p]) for p in comes)]))
    stays = [p for p, act in zip(given, fates, strict=True) if act is None]
    await lists.fill(given)
    seen: list[UUID] = []
    asked: dict[str, Any] = {"last" if backward else "first": data.draw(st.integers(1, 3))}

    while True:
        page = await lists.page(Accounts(lists.accounts), listing, **asked)
        seen += reversed(keys(page)) if backward else keys(page)
        if not (page.has_previous if backward else page.has_next):
            break
        end = page.items[0 if backward else -1]
        asked["before" if backward else "after"] = cursor(listing, end)
        for act in (acts.pop() for _ in range(min(2, len(acts)))):
            await act()

    expected = [p.id for p in in_order(stays, listing)]
    kept = {p.id for p in stays}
    assert [key for key in seen if key in kept] == (expected[::-1] if backward else expected)


async def test_projects_from_before_there_were_lists_are_ordered_and_found_too(
    postgres: EmbeddedPostgres,
) -> None:
    url = await make_database(postgres, "lists")
    await migrations.upgrade(url, "2026_11_25_databases")
    database = Database(url, pool=1)
    old = text("""
        INSERT INTO project (id, account_id, name, description, status, desired_state, generation)
        SELECT :id, id, :name, :description, 'STOPPED', 'STOPPED', 1 FROM account
    """)
    ada = UserRow(new_id(), "ada", BASE)
    async with database.begin(API) as session:
        for statement in BEFORE:
            await session.execute(text(statement), {"id": ada.id})
        for name, description in (("b", "STRASSE"), ("ẞ", None), ("A", "x")):
            binds = {"id": new_id(), "name": name, "description": description}
            await session.execute(old, binds)
    await migrations.upgrade(url)
    viewer = await again(database, ada)

    ordered = Listing(search="Ss", field=ProjectOrderField.NAME, direction=Direction.DESC)
    page = await Lists(database, (viewer.home, viewer.home)).page(viewer, ordered)
    await database.close()

    assert [row.name for row in page.items] == ["ẞ", "b"]


async def test_where_the_item_of_a_cursor_is_gone_the_page_says_what_is_there(
    lists: Lists,
) -> None:
    listing = Listing(field=ProjectOrderField.NAME, direction=Direction.ASC)
    [a, b, c] = (
        Given(name, None, ProjectStatus.RUNNING, BASE, BASE, 0, new_id()) for name in "abc"
    )
    await lists.fill([a, b, c])
    scope = Accounts(lists.accounts)
    [whole] = await lists.walk(scope, listing, 5)
    at_a, _, at_c = (cursor(listing, row) for row in whole.items)
    await lists.remove(a.id)
    await lists.remove(c.id)

    after_a = await lists.page(scope, listing, first=1, after=at_a)
    before_c = await lists.page(scope, listing, last=1, before=at_c)
    after_c = await lists.page(scope, listing, first=1, after=at_c)
    before_a = await lists.page(scope, listing, last=1, before=at_a)

    assert after_a == before_c
    assert (keys(after_a), after_a.has_previous, after_a.has_next) == ([b.id], False, False)
    assert (keys(after_c), after_c.has_previous, after_c.has_next) == ([], True, False)
    assert (keys(before_a), before_a.has_previous, before_a.has_next) == ([], False, True)
