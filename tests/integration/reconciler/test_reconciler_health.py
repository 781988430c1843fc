"""The reconciler's pages: alive, ready when it can work, and what it counts."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from app.db.claims import Claim
from app.db.readiness import Check
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import Phase
from app.services import projects
from app.services.projects import NewProject
from app.settings import Settings
from app.supervisor.ports import free_ports
from reconciler import metrics
from reconciler.cluster.client import Cluster
from reconciler.clusters import Clusters
from reconciler.health import Page, served
from reconciler.resources import Resources
from tests.integration.reconciler.test_loop import running, statuses
from tests.integration.world import KEYS, MAKERS, becomes, project_of, viewer_of

Sample = tuple[str, frozenset[tuple[str, str]]]


async def fine() -> str | None:
    return None


async def behind() -> str | None:
    return "The schema is behind. Run `mooring migrate`."


def turning() -> str | None:
    return None


async def statuses_of(
    checks: dict[str, Check], stuck: Callable[[], str | None] = turning
) -> tuple[int, int, object]:
    """Of /healthz and /readyz, and what the latter says."""
    [port] = free_ports(1)
    async with served("127.0.0.1", port, checks, stuck), aiohttp.ClientSession() as http:
        base = f"http://127.0.0.1:{port}"
        async with http.get(f"{base}/healthz") as alive, http.get(f"{base}/readyz") as ready:
            return alive.status, ready.status, await ready.json()


def samples(page: str) -> dict[Sample, float]:
    """What a page says, as Prometheus reads it; queue and counters, without a process's own."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def of(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


async def scraped(page: Page) -> dict[Sample, float]:
    """What Prometheus gets."""
    [port] = free_ports(1)
    async with (
        served("127.0.0.1", port, {}, turning, page),
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return samples(await answer.text())


async def test_it_is_ready_when_no_check_finds_anything() -> None:
    assert await statuses_of({"postgres": fine}) == (
        200,
        200,
        {"status": "ready", "checks": {"postgres": "ok"}},
    )


async def test_it_is_alive_and_says_what_keeps_it_from_working() -> None:
    alive, ready, said = await statuses_of({"postgres": fine, "migrations": behind})

    assert (alive, ready) == (200, 503)
    assert "mooring migrate" in str(said)


async def test_only_a_loop_that_stands_still_is_not_alive() -> None:
    alive, ready, _ = await statuses_of({"postgres": fine}, lambda: "The loop stands still.")

    assert (alive, ready) == (503, 200)


async def test_without_a_port_it_serves_nothing() -> None:
    async with served("127.0.0.1", None, {}, turning):
        pass


async def test_the_page_counts_passes_calls_and_the_queue(
    database: Database, resources: Resources, cluster: Cluster, settings: Settings
) -> None:
    page = Page(database, Clusters(cluster, database, KEYS, settings).breakers)
    await project_of(database, await viewer_of(database))
    before = await scraped(page)

    async with running(database, resources.reconcile, settings, cluster):

        async def up() -> bool:
            return await statuses(database) == ["RUNNING"]

        await becomes(up)
    after = await scraped(page)

    def rose(name: str, **labels: str) -> float:
        sample = of(name, **labels)
        return after.get(sample, 0) - before.get(sample, 0)

    assert before[of("mooring_queue_due", lane="asked")] == 1
    assert 0 < before[of("mooring_queue_oldest_due_seconds", lane="asked")] < 60
    assert after[of("mooring_queue_due", lane="asked")] == 0
    assert after[of("mooring_queue_oldest_due_seconds", lane="asked")] == 0
    assert rose("mooring_claims_total", lane="asked") >= 1
    assert rose("mooring_queue_wait_seconds_count", lane="asked") >= 1
    passes = "mooring_pass_duration_seconds_count"
    assert rose(passes, kind="sandbox", verdict="settled") >= 1
    calls = "mooring_api_calls_total"
    assert rose(calls, cluster="operator", verb="apply", answer="ok") >= 4
    assert rose(calls, cluster="operator", verb="list", answer="ok") >= 1
    assert after[of("mooring_breakers", cluster="operator", state="closed")] == 1
    assert after[of("mooring_database_up")] == 1


async def test_a_row_under_a_lease_is_claimed_and_not_due(
    database: Database, cluster: Cluster, settings: Settings
) -> None:
    page = Page(database, Clusters(cluster, database, KEYS, settings).breakers)
    await project_of(database, await viewer_of(database))
    began, ends = asyncio.Event(), asyncio.Event()

    async def slow(claim: Claim) -> Outcome:
        began.set()
        await ends.wait()
        return Outcome(claim.generation, timedelta(minutes=5), Phase.RUNNING)

    async with running(database, slow, settings):
        await began.wait()
        found = await scraped(page)
        ends.set()

    assert found[of("mooring_queue_claimed", lane="asked")] == 1
    assert found[of("mooring_queue_due", lane="asked")] == 0


async def test_with_postgres_away_there_is_a_page_without_the_queue(
    database: Database, cluster: Cluster, settings: Settings
) -> None:
    breakers = Clusters(cluster, database, KEYS, settings).breakers
    there = await scraped(Page(database, breakers))
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing", pool=2)

    gone = await scraped(Page(nowhere, breakers))

    assert of("mooring_queue_due", lane="clock") in there
    assert of("mooring_queue_due", lane="clock") not in gone
    assert gone[of("mooring_database_up")] == 0


async def test_a_row_that_the_timer_finds_without_a_notification_is_counted(
    database: Database, settings: Settings
) -> None:
    async def passes(claim: Claim) -> Outcome:
        return Outcome(claim.generation, timedelta(minutes=5), Phase.RUNNING)

    def value(name: str) -> float:
        return metrics.REGISTRY.get_sample_value(name) or 0

    rounds, missed = "mooring_rounds_total", "mooring_notifications_missed_total"
    begun, before = value(rounds), value(missed)

    async def turned() -> bool:
        return value(rounds) >= begun + 2

    async def found() -> bool:
        return await statuses(database) == ["RUNNING"]

    viewer = await viewer_of(database)
    async with running(database, passes, settings.model_copy(update={"poll": 0.05})):
        await becomes(turned)
        async with database.begin(viewer) as session:
            await projects.create(session, viewer, MAKERS, NewProject("shop", databases=()))
            earlier = "mooring_now() - interval '2 s'"
            await session.execute(
                text(f"UPDATE resource SET due_at = {earlier}, generation_since = {earlier}")
            )
        await becomes(found)

    assert value(missed) == before + 1


async def test_a_lost_lease_and_a_timeout_are_verdicts_of_their_own(
    database: Database, settings: Settings
) -> None:
    await project_of(database, await viewer_of(database))
    began = asyncio.Event()

    async def hangs(claim: Claim) -> Outcome:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError(claim)

    def counted(verdict: Reason | str) -> float:
        labels = {"kind": "sandbox", "verdict": str(verdict)}
        name = "mooring_pass_duration_seconds_count"
        return metrics.REGISTRY.get_sample_value(name, labels) or 0

    before = counted("timeout"), counted("lost")
    async with running(database, hangs, settings.model_copy(update={"pass_timeout": 0.05})):

        async def timed_out() -> bool:
            return counted("timeout") > before[0]

        await becomes(timed_out)

    assert counted("lost") == before[1]
