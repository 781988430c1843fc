"""The golden answers that the simulator is held to are still those of a real API server.

Of the version that gave them, and through an administrator's kubeconfig.
"""

from pathlib import Path

import pytest

from tests.differential import golden
from tests.differential.families import FAMILIES, fits
from tests.differential.play import play
from tests.differential.request import Family
from tests.differential.server import connected
from tests.kubernetes.plane import KUBECONFIG, Plane, cannot


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
async def test_the_real_server_still_answers_as_recorded(family: Family, plane: Plane) -> None:
    plane.needs_administrator()
    async with connected(Path(KUBECONFIG)) as server:
        if not await fits(family, server):
            cannot(f"the server does not have what {family.name} is about")

        answers = await play(family, server)
        young = await server.is_young()

    known = {request.name for request in family.requests if not (young and request.forgotten)}
    differences = golden.unlike(golden.read(family), answers)
    assert {name: parts for name, parts in differences.items() if name in known} == {}
