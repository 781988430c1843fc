"""The keys of tokens: how they are given, and how they are replaced."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from app.auth.tokens import AccessClaims, Tokens, signing_keys
from app.domain.errors import Unauthenticated
from app.domain.sessions import Presented
from app.settings import Settings, SettingsError

OLD, NEW = "old:" + "o" * 32, "new:" + "n" * 32
END = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def test_a_new_key_signs_and_the_old_one_is_still_good() -> None:
    claims = AccessClaims(uuid4(), uuid4(), END)
    presented = Presented(uuid4(), uuid4(), 7)
    before, after = Tokens(OLD), Tokens(f"{NEW}, {OLD}")
    access, refresh = before.access(claims), before.refresh(presented, END)

    assert after.read_access(access) == claims
    assert after.read_refresh(refresh) == presented
    assert Tokens(NEW).read_access(after.access(claims)) == claims


def test_a_key_that_was_taken_away_is_good_for_nothing() -> None:
    token = Tokens(OLD).access(AccessClaims(uuid4(), uuid4(), END))

    with pytest.raises(Unauthenticated) as refused:
        Tokens(NEW).read_access(token)

    assert refused.value.facts == {"reason": "MALFORMED"}


def test_each_token_is_good_for_its_own_purpose_alone() -> None:
    tokens = Tokens(OLD)
    access = tokens.access(AccessClaims(uuid4(), uuid4(), END))
    refresh = tokens.refresh(Presented(uuid4(), uuid4(), 0), END)

    with pytest.raises(Unauthenticated):
        tokens.read_access(refresh)
    with pytest.raises(Unauthenticated):
        tokens.read_refresh(access)


@pytest.mark.parametrize(
    "given",
    [
        "",
        ",",
        "k" * 32,
        "a:short",
        ":" + "k" * 32,
        f"{OLD},{OLD}",
        f"{OLD},b:short",
        "a" * 40 + ":",
    ],
)
def test_keys_that_cannot_work_are_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(SettingsError, match="MOORING_TOKEN_KEYS") as refused:
        signing_keys(given)

    assert "kkk" not in str(refused.value)
    assert "ooo" not in str(refused.value)


def test_the_setting_that_was_there_before_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_TOKEN_KEY", "k" * 32)

    with pytest.raises(SettingsError, match="MOORING_TOKEN_KEYS=k1:KEY") as refused:
        Settings.load()

    assert "kkk" not in str(refused.value)
