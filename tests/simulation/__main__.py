"""`make torture`: runs for as long as asked; a failure prints its story, and the seed to see it by.

python -m tests.simulation --seconds 600
python -m tests.simulation --seed 1234 [--shrink]
python -m tests.simulation --from 1234      # that one, then the next
"""

import argparse
import itertools
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
    asked.add_argument("--from", type=int, dest="first")
    asked.add_argument("--shrink", action="store_true")
    asked.add_argument("--keep-going", action="store_true")
    given = asked.parse_args()
    folder, tally, failed = open_folder(), Tally(), 0
    drawn = random.SystemRandom().randrange(10**6)
    first = next((n for n in (given.seed, given.first) if n is not None), drawn)
    begun = time.monotonic()
    try:
        server = EmbeddedPostgres(folder, durable=False, options={"max_connections": "300"})
        with server, opened(server) as ground:
            for number in itertools.count(first):
                try:
                    play(ground, number, tally, shrink=given.shrink)
                except Broken as broken:
                    failed += 1
                    print(f"{broken}\n\nAgain: make torture SEED={number}\n", flush=True)
                took = time.monotonic() - begun
                over = took > given.seconds or given.seed is not None or failed > 0
                if over and (not given.keep_going or took > given.seconds):
                    break
    finally:
        shutil.rmtree(folder)
    print(f"seeds {first} to {number}, {failed} failed, in {took:.0f} s\n{tally}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
