"""Faults as they are set, read back and taken back."""

from typing import Any

import pytest

from tests.integration.reconciler.simulator.conftest import Cluster

FAULTS = "/simulator/faults"


async def test_rules_are_replaced_as_a_whole_read_back_and_taken_back(cluster: Cluster) -> None:
    crash = {"fault": "CrashLoopBackOff", "name": "elsewhere/*", "exitCode": 3}
    try:
        first = await cluster.call("PUT", FAULTS, [{"fault": "NeverReady", "name": "elsewhere/*"}])
        second = await cluster.call("PUT", FAULTS, [crash])
        read = await cluster.call("GET", FAULTS)
    finally:
        none = await cluster.call("DELETE", FAULTS)

    assert [rule["fault"] for rule in first.body] == ["NeverReady"]
    assert read.body == second.body
    (only,) = read.body
    assert only == {**only, **crash, "kind": "Pod", "container": "", "every": 10.0}
    assert none.body == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"fault": "Quake"}, "rule 0, as a whole: Input tag 'Quake' found using 'fault'"),
        ({"fault": "CrashLoopBackOff", "exitCode": 256}, "rule 0, CrashLoopBackOff.exitCode"),
        ({"fault": "CrashLoopBackOff", "exitcode": 1}, "rule 0, CrashLoopBackOff.exitcode: Extra"),
        ({"fault": "Unbound", "kind": "Pod"}, "rule 0, Unbound.kind"),
        ({"fault": "Answer", "code": 200}, "rule 0, Answer.code"),
        ({"fault": "Latency", "seconds": -1}, "rule 0, Latency.seconds"),
        ({}, "rule 0, as a whole: Unable to extract tag using discriminator 'fault'"),
    ],
)
async def test_a_rule_that_is_none_changes_nothing_and_is_named(
    cluster: Cluster, rule: dict[str, Any], said: str
) -> None:
    kept = {"fault": "StuckTerminating", "name": "elsewhere/*"}
    async with cluster.faulty(kept):
        refused = await cluster.call("PUT", FAULTS, [rule])
        read = await cluster.call("GET", FAULTS)

    assert refused.code == 400
    assert said in refused.body["message"]
    assert [one["fault"] for one in read.body] == ["StuckTerminating"]
