"""The one screen that `mooring dev` ends its start with. Pure: facts in, text out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOGIN = "dev"


@dataclass(frozen=True, slots=True)
class Facts:
    """What runs, as the screen and ready.json tell it."""

    url: str
    # None when the user is there with a password that this data folder does not know.
    password: str | None
    database: str
    as_owner: bool
    cluster: str
    # None: each account has its own.
    namespace: str | None
    simulated: bool
    data: Path
    # The port that was asked for when it was in use.
    wanted_port: int | None


def screen(facts: Facts) -> str:
    """The text, without a trailing newline."""
    rows = [
        ("Playground", f"{facts.url}/graphql"),
        ("Sign in", _sign_in(facts)),
        ("Database", _database(facts)),
        ("Cluster", _cluster(facts)),
        ("Data", f"{facts.data} (logs in {facts.data / 'logs'})"),
        ("Stop", "Ctrl-C; the next start goes on with the same data"),
    ]
    if facts.wanted_port is not None:
        rows.insert(1, ("", f"port {facts.wanted_port} is in use: this is the next free one"))
    lines = "\n".join(f"  {name:<12}{value}" for name, value in rows)
    return f"\nMooring runs.\n\n{lines}\n"


def _sign_in(facts: Facts) -> str:
    if facts.password is None:
        return f"the user {LOGIN} has a password that is not known here; sign up as another"
    return f"login {LOGIN}, password {facts.password}"


def _database(facts: Facts) -> str:
    if not facts.as_owner:
        return facts.database
    return f"{facts.database}, as its owner: he may not make roles for the processes"


def _cluster(facts: Facts) -> str:
    if facts.simulated:
        return (
            "the simulator: statuses are real, but no pod really runs. "
            "A real one: make run MOORING_KUBECONFIG=FILE"
        )
    where = f"namespace {facts.namespace}" if facts.namespace else "a namespace for each account"
    return f"{facts.cluster}, {where}"
