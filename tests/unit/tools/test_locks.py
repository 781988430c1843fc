"""The lock files pin every package by version and by hash, and name no place to get one from."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_ENTRY = re.compile(r"^(\S+?)==(\S+)((?:[^\n]*\\\n)+[^\n]*)", re.MULTILINE)


LOCKS = {
    "requirements.lock": 30,
    "tests/requirements.lock": 30,
    "tools/deploy-check/requirements.lock": 5,
}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_by_hash(name: str) -> None:
    text = (ROOT / name).read_text()
    heads = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    hashed = {match[1] for match in _ENTRY.finditer(text) if "--hash=sha256:" in match[3]}

    assert len(heads) > LOCKS[name]
    assert {head.partition("==")[0] for head in heads} == hashed
    assert "://" not in text
    assert "--index-url" not in text


@pytest.mark.parametrize(
    "name", ["Dockerfile", "tools/environment.py", "tools/deploy-check/check.sh"]
)
def test_what_installs_them_asks_for_the_hashes(name: str) -> None:
    text = (ROOT / name).read_text()

    assert "--require-hashes" in text
    assert "--no-deps" in text
