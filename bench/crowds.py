"""One project and few or many subscribers: when each has an event, what each costs.

Memory is the growth of the API's resident memory since the first subscriber, so crowds are measured
from the smallest to the largest in an API process that has had no larger one.
"""

import asyncio
import statistics
from time import perf_counter

from bench import process
from bench.client import Subscriber, User, subscribed
from bench.figures import Figures
from bench.scale import Scale
from bench.writer import Writer

_PATIENCE = 120


async def measure(user: User, writer: Writer, api: int, scale: Scale, figures: Figures) -> None:
    """All crowds of one round; `api` is the process id of the API."""
    project = await user.create("crowded", sandboxes=1)
    await user.settled(100)
    async with subscribed(user, project) as first:
        await _arrivals(first, writer, project)
        alone = process.resident(api)
    for count in scale.crowds:
        who = f"{count:,} subscriber{'s' * (count > 1)}"
        begun = perf_counter()
        async with subscribed(user, project, count) as subscribers:
            joined = perf_counter() - begun
            memory = process.resident(api) - alone
            before = process.processor(api)
            took = [
                await _arrivals(subscribers, writer, project) for _ in range(scale.crowd_events)
            ]
            busy = (process.processor(api) - before) / scale.crowd_events
        _add_times(figures, who, took)
        figures.add(f"{who}: API processor for each event", "ms", 1e3 * busy)
        if count > 1:
            figures.add(f"{who}: API processor for each of them", "µs", 1e6 * busy / count)
            figures.add(f"{who}: API memory for each of them", "KiB", memory / count / 1024)
            figures.add(f"{who}: all have joined", "s", joined)


async def _arrivals(subscribers: list[Subscriber], writer: Writer, project: str) -> list[float]:
    """Commit one event: the seconds until each has it, in order."""
    committed = await writer.commit(project)
    async with asyncio.timeout(_PATIENCE):
        came = [await subscriber.arrival() for subscriber in subscribers]
    return sorted(arrival - committed for arrival in came)


def _add_times(figures: Figures, who: str, took: list[list[float]]) -> None:
    """The median event's first, median and last arrival."""
    firsts, medians, lasts = zip(
        *((times[0], statistics.median(times), times[-1]) for times in took), strict=True
    )
    for which, seconds in (("first", firsts), ("median", medians), ("last", lasts)):
        figures.add(f"{who}: commit to the {which}", "ms", 1e3 * statistics.median(seconds))
