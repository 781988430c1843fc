"""The public schema against the contract that clients are written for."""

import os
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, find_breaking_changes

from app.graphql.schema import schema


@pytest.fixture
def contract() -> GraphQLSchema:
    """The contract, where a test is given one."""
    given = os.environ.get("MOORING_TEST_CONTRACT")
    if given is None:
        pytest.skip("MOORING_TEST_CONTRACT names no contract.graphql")
    return build_schema(Path(given).read_text())


def test_the_schema_is_the_contract_but_for_additions(contract: GraphQLSchema) -> None:
    differences = find_breaking_changes(contract, build_schema(schema.as_str()))

    assert [difference.description for difference in differences] == []


def test_what_the_contract_describes_is_described_in_its_words(contract: GraphQLSchema) -> None:
    ours = descriptions(build_schema(schema.as_str()))
    theirs = descriptions(contract)

    assert {name: ours.get(name) for name in theirs} == theirs


def descriptions(described: GraphQLSchema) -> dict[str, str]:
    """What is said of each type, field and value, on one line."""
    found: dict[str, str] = {}
    for name, kind in described.type_map.items():
        members = {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}
        parts = {name: kind} | {f"{name}.{member}": part for member, part in members.items()}
        if not name.startswith("__"):
            found |= {where: " ".join((p.description or "").split()) for where, p in parts.items()}
    return found


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
