"""The table of fields is the one that the client's models give, and bodies are read by it."""

from pathlib import Path

import pytest

from reconciler.simulator.decoding import Mismatch, decode
from reconciler.simulator.kinds import KINDS
from reconciler.simulator.schema import Json, of
from tests.unit.reconciler.simulator.generate_schema import TARGET, render


def test_the_committed_table_is_what_the_generator_writes() -> None:
    assert Path(TARGET).read_text() == render(), "run generate_schema.py beside this test"


def test_every_kind_has_its_fields() -> None:
    for kind in KINDS:
        assert "metadata" in of(kind.kind).fields


def test_nulls_and_unknown_fields_are_dropped_by_path() -> None:
    container: Json = {"name": "c", "imagee": "x", "image": None}
    unknown: list[str] = []

    pod = decode(of("Pod"), {"spec": {"containers": [container], "x": 1}, "y": 2}, unknown)

    assert pod == {"spec": {"containers": [{"name": "c"}]}}
    assert unknown == ["spec.containers[0].imagee", "spec.x", "y"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"spec": {"replicas": "1"}},
            ".spec.replicas: expected numeric (int or float), got string",
        ),
        ({"spec": []}, ".spec: expected map, got &{[]}"),
        ({"spec": {"serviceName": 3}}, "expected string, got &value.valueUnstructured{Value:3}"),
        ({"bogus": 1}, ".bogus: field not declared in schema"),
    ],
)
def test_an_apply_that_does_not_fit_is_named_by_path(body: Json, text: str) -> None:
    with pytest.raises(Mismatch) as mismatch:
        decode(of("StatefulSet"), body, None)

    assert text in mismatch.value.as_apply()


def test_two_items_with_one_key_do_not_fit() -> None:
    containers = [{"name": "c"}, {"name": "c"}]

    with pytest.raises(Mismatch) as mismatch:
        decode(of("Pod"), {"spec": {"containers": containers}}, None)

    expected = '.spec.containers: duplicate entries for key [name="c"]'
    assert mismatch.value.as_apply() == expected
