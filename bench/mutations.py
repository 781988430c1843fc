"""How long a mutation takes, from sending it to having its answer."""

from time import perf_counter

from bench.client import User
from bench.figures import Figures
from bench.scale import Scale

AIM = 10


async def measure(user: User, scale: Scale, figures: Figures) -> None:
    """startProject and stopProject in turn; createProject with nothing but a name."""
    await wanted(user, scale, figures, "mutation: startProject, stopProject", AIM)
    creating = []
    for _ in range(scale.mutations // 4):
        begun = perf_counter()
        await user.create("created")
        creating.append(perf_counter() - begun)
    figures.add_times("mutation: createProject", creating, AIM)
    await user.settled(100)


async def wanted(
    user: User,
    scale: Scale,
    figures: Figures,
    what: str = "mutation: startProject, stopProject, counted for a limit",
    aim: float | None = None,
) -> None:
    """startProject and stopProject in turn, on a stack that counts mutations, or that does not."""
    project = await user.create("started and stopped")
    wanting = []
    for number in range(scale.mutations):
        verb = "start" if number % 2 else "stop"
        document = f"mutation ($id: ID!) {{ {verb}Project(id: $id) {{ project {{ status }} }} }}"
        begun = perf_counter()
        await user.ask(document, id=project)
        wanting.append(perf_counter() - begun)
    figures.add_times(what, wanting, aim)
