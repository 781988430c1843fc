"""`make torture`: runs for as long as asked; a failure prints its story, and the seed to see it by.

python -m tests.simulation --seconds 600
python -m tests.simulation --seed 1234 [--shrink]
"""

import argparse
import random
import shutil
import sys
import time

from app.postgres import EmbeddedPostgres
from tests.postgres import open_folder
from tests.simulation.checks import Broken
from tests.simulation.ground import opened
from tests.simulation.runs import play
from tests.simulation.tally import Tally


def main() -> int:
    """0: all of them came to what was wanted."""
    asked = argparse.ArgumentParser(prog="make torture")
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--seed", type=int)
    asked.add_argument("--shrink", action="store_true")
    asked.add_argument("--keep-going", action="store_true")
    given = asked.parse_args()
    folder, tally, failed = open_folder(), Tally(), 0
    first = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    end = time.monotonic() + given.seconds
    try:
        server = EmbeddedPostgres(folder, durable=False, options={"max_connections": "300"})
        with server, opened(server) as ground:
            number = first
            while True:
                try:
                    play(ground, number, tally, shrink=given.shrink)
                except Broken as broken:
                    failed += 1
                    print(f"{broken}\n\nAgain: make torture SEED={number}\n", flush=True)
                    if not given.keep_going:
                        break
                number += 1
                if (given.seed is not None and not given.keep_going) or time.monotonic() > end:
                    break
    finally:
        shutil.rmtree(folder)
    print(f"seeds {first} to {number - 1}, {failed} failed\n{tally}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
