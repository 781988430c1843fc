"""What a real API server makes of the id that we send with a request."""

from app.domain import trace
from reconciler.cluster.calls import Call
from tests.kubernetes.plane import Plane


async def test_the_id_of_a_mutation_is_the_beginning_of_the_audits(plane: Plane) -> None:
    begun = trace.begin()

    answer = await plane.transport.send(Call("GET", "/version", {}), 10)
    answer.release()

    # The server says which id its audit log has: ours, of a request that had one.
    assert answer.headers["Audit-Id"].startswith(f"{begun.hex}-")
