"""The public schema against the contract that clients are written for."""

import os
from pathlib import Path

import pytest
from graphql import build_schema, find_breaking_changes

from app.graphql.schema import schema


def test_nothing_that_is_present_differs_from_the_contract() -> None:
    given = os.environ.get("MOORING_TEST_CONTRACT")
    if given is None:
        pytest.skip("MOORING_TEST_CONTRACT names no contract.graphql")
    contract = build_schema(Path(given).read_text())

    differences = find_breaking_changes(build_schema(schema.as_str()), contract)

    assert [difference.description for difference in differences] == []


def test_every_type_field_argument_and_value_is_described() -> None:
    described = build_schema(schema.as_str())
    bare = [
        f"{name}.{field}"
        for name, kind in described.type_map.items()
        if not name.startswith("__")
        for field, value in {
            **getattr(kind, "fields", {}),
            **(getattr(kind, "values", {}) if hasattr(kind, "values") else {}),
        }.items()
        if not value.description
    ]

    assert bare == []
