"""`make golden`: record what the API server of MOORING_TEST_KUBECONFIG answers.

Its user must be allowed to do everything (namespaces are made and removed). Families of an API that
this server does not have stay as they are. The server must have run for eleven minutes: answers
about what it has forgotten are recorded too. The list of what the simulator answers otherwise is
written into docs/simulator.md. A family alone: `make golden ARGS=listing`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.differential import golden, page
from tests.differential.families import FAMILIES, fits
from tests.differential.play import play
from tests.differential.server import connected


async def main(kubeconfig: Path, names: list[str]) -> None:
    """`names` are families; none is all."""
    async with connected(kubeconfig) as server:
        if await server.is_young():
            sys.exit("this server has not run for eleven minutes: it remembers what others forget")
        version = (await server.json("/version"))["gitVersion"]
        for family in FAMILIES:
            if names and family.name not in names:
                continue
            if not await fits(family, server):
                print(f"{family.name}: not served here")
                continue
            answers = await play(family, server)
            golden.write(family, version, answers)
            print(f"{family.name}: {len(answers)} answers of {version}")
    recorded = tuple(family for family in FAMILIES if golden.has(family))
    page.PAGE.write_text(page.written(page.PAGE.read_text(), recorded))


if __name__ == "__main__":
    asyncio.run(main(Path(os.environ["MOORING_TEST_KUBECONFIG"]), sys.argv[1:]))
