"""`/simulator/…`: what a test or a developer sets while the simulator runs, and reads back.

Never disturbed by a fault: it is how one is taken back.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from reconciler.simulator.controllers.delays import Delays
from reconciler.simulator.faults import Faults
from reconciler.simulator.resources import answer, method_not_allowed
from reconciler.simulator.status import bad_request

PREFIX = "/simulator/"


@dataclass
class Controls:
    """delays_changed: what is waiting is to be looked at again. Faults tell by themselves.

    requests: how many there were of each verb and kind, as `list pods`.
    """

    delays: Delays
    faults: Faults
    delays_changed: Callable[[], None]
    requests: Counter[str] = field(default_factory=Counter)

    def paths(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        return {
            f"{PREFIX}delays": self._delays,
            f"{PREFIX}faults": self._faults,
            f"{PREFIX}requests": self._requests,
        }

    async def _requests(self, request: Request) -> Response:
        """GET, or DELETE to count anew: what was asked until now."""
        said = answer(orjson.dumps(dict(self.requests)))
        if request.method == "DELETE":
            self.requests.clear()
        elif request.method != "GET":
            raise method_not_allowed()
        return said

    async def _delays(self, request: Request) -> Response:
        """GET, or PUT of {"readyAfter": seconds, "goneAfter": seconds}, both optional."""
        if request.method == "PUT":
            given = orjson.loads(await request.body() or b"{}")
            try:
                self.delays.set(given)
            except (ValueError, TypeError, AttributeError):
                message = 'delays are seconds, not negative: {"readyAfter": 1, "goneAfter": 1}'
                raise bad_request(message) from None
            self.delays_changed()
        elif request.method != "GET":
            raise method_not_allowed()
        return answer(orjson.dumps(self.delays.body()))

    async def _faults(self, request: Request) -> Response:
        """GET, PUT of a list of rules that replaces all, or DELETE of all: the rules that hold."""
        if request.method == "PUT":
            try:
                self.faults.set(await request.body())
            except ValidationError as error:
                raise bad_request(_told(error)) from None
        elif request.method == "DELETE":
            self.faults.clear()
        elif request.method != "GET":
            raise method_not_allowed()
        return answer(self.faults.body())


def _told(error: ValidationError) -> str:
    """`rule 0, Crash.exitCode: Input should be …`, for each fault in what was given."""
    found = []
    for one in error.errors(include_url=False, include_context=False):
        place, *path = [str(part) for part in one["loc"]] or ["?"]
        found.append(f"rule {place}, {'.'.join(path) or 'as a whole'}: {one['msg']}")
    return "; ".join(found)
