"""What the runs stand on, once for all of them."""

from collections.abc import Iterator

import pytest

from app.postgres import EmbeddedPostgres
from tests.postgres import postgres
from tests.simulation.ground import opened
from tests.simulation.world import Ground

__all__ = ["postgres"]


@pytest.fixture(scope="session")
def ground(postgres: EmbeddedPostgres) -> Iterator[Ground]:
    """A server, a template, a socket."""
    with opened(postgres) as made:
        yield made
