"""The reconciler's statements that move no status name one of its inputs all the same."""

import re

import pytest
from sqlalchemy import TextClause

from app.db import claims, rechecks, resources

_INPUTS = {
    "desired_state",
    "phase",
    "was_ready",
    "generation",
    "desired_generation",
    "observed_generation",
    "failed_generation",
}
# The API may not write that input, and asks for few rows.
_OF_THE_API = {"_RETRY"}
_STATEMENTS = {
    name: found.text
    for module in (claims, rechecks, resources)
    for name, found in vars(module).items()
    if isinstance(found, TextClause)
    if "UPDATE resource" in found.text and name not in _OF_THE_API
}


@pytest.mark.parametrize("name", _STATEMENTS)
def test_an_update_of_many_rows_has_the_generated_column_parsed_once(name: str) -> None:
    sets = _STATEMENTS[name].partition("UPDATE resource r SET")[2].partition("FROM")[0]

    assert _INPUTS & set(re.findall(r"(\w+) = ", sets))
