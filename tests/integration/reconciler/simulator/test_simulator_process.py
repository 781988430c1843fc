"""The process: its kubeconfig, its end, its parent, and what it still knows after a kill."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from tests.integration.reconciler.simulator.conftest import (
    MERGE_PATCH,
    SETS,
    Connect,
    config_map,
    ready,
    stateful_set,
)
from tests.simulator import running_simulator

pytestmark = pytest.mark.faults

MAPS = "/api/v1/namespaces/{ns}/configmaps"
PODS = "/api/v1/namespaces/{ns}/pods"


async def test_the_kubeconfig_is_private_and_names_the_namespace(tmp_path: Path) -> None:
    async with running_simulator(tmp_path, as_program=True) as simulator:
        mode = stat.S_IMODE(simulator.kubeconfig.stat().st_mode)
        state = stat.S_IMODE((tmp_path / "cluster").stat().st_mode)
        text = simulator.kubeconfig.read_text()

    assert (mode, state) == (0o600, 0o600)
    assert '"namespace": "mooring"' in text


async def test_sigterm_ends_it_cleanly_with_a_watch_open(tmp_path: Path, connect: Connect) -> None:
    async with running_simulator(tmp_path, as_program=True) as simulator:
        cluster = await connect(simulator)
        response = await cluster.open("GET", MAPS, watch="true")

        simulator.process.terminate()
        code = await asyncio.wait_for(simulator.process.wait(), 60)
        rest = await response.content.read()

    assert code == 0
    assert rest == b""


@pytest.mark.parametrize(
    "fault", [{"fault": "Hang"}, {"fault": "Latency", "seconds": 3600}], ids=["hang", "latency"]
)
async def test_sigterm_ends_it_with_a_request_that_a_fault_holds(
    tmp_path: Path, connect: Connect, fault: dict[str, object]
) -> None:
    async with running_simulator(tmp_path, as_program=True) as simulator:
        cluster = await connect(simulator)
        await cluster.call("PUT", "/simulator/faults", [{**fault, "times": 1}])
        held = asyncio.create_task(cluster.call("GET", MAPS))
        await cluster.until("/simulator/faults", lambda one: one.body == [])

        simulator.process.terminate()
        code = await asyncio.wait_for(simulator.process.wait(), 60)
        await asyncio.wait([held])

    assert code == 0


async def test_a_restart_forgets_the_faults_and_takes_their_finalizers_back(
    tmp_path: Path, connect: Connect
) -> None:
    async with running_simulator(tmp_path, as_program=True) as first:
        cluster = await connect(first)
        await cluster.call("POST", MAPS, config_map("a"))
        await cluster.call("PUT", "/simulator/faults", [{"fault": "StuckFinalizer", "name": "*/a"}])
        await cluster.until(f"{MAPS}/a", lambda one: "finalizers" in one.body["metadata"])
        first.process.kill()
        await first.process.wait()

    async with running_simulator(tmp_path, as_program=True) as second:
        cluster = await connect(second)
        rules = await cluster.call("GET", "/simulator/faults")
        await cluster.until(f"{MAPS}/a", lambda one: "finalizers" not in one.body["metadata"])

    assert rules.body == []


async def test_the_end_of_the_parents_pipe_ends_it(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    options = ("--parent-pipe", str(reader))

    async with running_simulator(
        tmp_path, *options, as_program=True, pass_fds=(reader,)
    ) as simulator:
        os.close(reader)
        os.close(writer)
        code = await asyncio.wait_for(simulator.process.wait(), 60)

    assert code == 0


async def test_a_killed_one_goes_on_with_the_same_state(tmp_path: Path, connect: Connect) -> None:
    async with running_simulator(tmp_path, as_program=True) as first:
        cluster = await connect(first)
        await cluster.apply(SETS, stateful_set())
        await cluster.until(f"{SETS}/box", ready)
        made = await cluster.call("POST", MAPS, config_map("a", data={"k": "1"}))
        await cluster.call("POST", MAPS, config_map("b"))
        last = await cluster.call("DELETE", f"{MAPS}/b")
        pod = await cluster.call("GET", f"{PODS}/box-0")
        first.process.kill()
        await first.process.wait()

    async with running_simulator(tmp_path, as_program=True) as second:
        cluster = await connect(second)
        maps = await cluster.call("GET", MAPS)
        same = await cluster.call("GET", f"{PODS}/box-0")
        found = await cluster.call("GET", f"{MAPS}/a")
        later = await cluster.call("POST", MAPS, config_map("c"))

    assert second.token == first.token
    assert last.code == 200
    assert maps.names == ["a"]
    assert found.body == made.body
    assert same.body == pod.body
    assert int(later.version) > int(maps.version) > int(made.version)


async def test_a_restart_finishes_what_was_begun(tmp_path: Path, connect: Connect) -> None:
    async with running_simulator(tmp_path, as_program=True, ready_after=3600) as first:
        cluster = await connect(first)
        await cluster.apply(SETS, stateful_set())
        await cluster.until(f"{PODS}/box-0", lambda one: "ContainerCreating" in str(one.body))
        first.process.kill()
        await first.process.wait()

    async with running_simulator(tmp_path, as_program=True) as second:
        cluster = await connect(second)
        found = await cluster.until(f"{SETS}/box", ready)

    assert found.body["status"]["readyReplicas"] == 1


async def test_a_kill_among_writes_loses_nothing_that_was_answered(
    tmp_path: Path, connect: Connect
) -> None:
    answered = 0
    async with running_simulator(tmp_path, as_program=True) as first:
        cluster = await connect(first)
        await cluster.call("POST", MAPS, config_map("a", data={"n": "0"}))

        async def write() -> None:
            nonlocal answered
            for number in range(1, 100_000):
                patch = {"data": {"n": str(number)}}
                await cluster.call("PATCH", f"{MAPS}/a", patch, MERGE_PATCH)
                answered = number

        writing = asyncio.create_task(write())
        # Nothing to wait on but the writes themselves.
        while answered < 50:
            await asyncio.sleep(0.01)
        first.process.kill()
        await first.process.wait()
        await asyncio.wait([writing])
        assert writing.exception() is not None

    async with running_simulator(tmp_path, as_program=True) as second:
        cluster = await connect(second)
        found = await cluster.call("GET", f"{MAPS}/a")

    assert int(found.body["data"]["n"]) >= answered
