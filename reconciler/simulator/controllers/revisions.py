"""A StatefulSet's revisions: the same template has the same name, always.

Upstream hashes a ControllerRevision with FNV and writes ten characters of its own alphabet; here
it is another hash of the template, in the same form and length, since only equality is looked at.
"""

import hashlib
from functools import lru_cache

import orjson

from reconciler.simulator.schema import Json

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
LENGTH = 10


def revision(name: str, template: Json) -> str:
    return f"{name}-{_digest(orjson.dumps(template, option=orjson.OPT_SORT_KEYS))}"


@lru_cache(maxsize=4096)
def _digest(data: bytes) -> str:
    number = int.from_bytes(hashlib.blake2b(data, digest_size=16).digest())
    marks = []
    for _ in range(LENGTH):
        number, rest = divmod(number, len(ALPHABET))
        marks.append(ALPHABET[rest])
    return "".join(marks)
