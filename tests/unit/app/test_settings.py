"""Where settings come from, and what is said of wrong ones."""

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError


def test_only_names_with_the_prefix_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "DATABASE_URL", "PORT"):
        monkeypatch.setenv(name, "1")

    settings = Settings.load()

    assert settings.kubeconfig is None
    assert settings.database_url.get_secret_value() == ""
    assert settings.port == 8000


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_KUBECONFIG", "")

    assert Settings.load().kubeconfig is None


def test_the_home_folder_is_understood_where_the_shell_left_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOORING_KUBECONFIG", "~/.kube/test")

    assert Settings.load().kubeconfig == Path.home() / ".kube" / "test"


def test_everything_that_is_wrong_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOORING_LEASE", "hunter2")
    monkeypatch.setenv("MOORING_PORT", "-1")

    with pytest.raises(SettingsError) as wrong:
        Settings.load()

    lines = str(wrong.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["MOORING_PORT", "MOORING_LEASE"]
    assert "hunter2" not in str(wrong.value)


def test_a_hash_weaker_than_it_should_be_is_refused_by_name() -> None:
    with pytest.raises(SettingsError) as wrong:
        Settings.load(password_memory=7168, password_time=4)

    assert str(wrong.value).startswith("MOORING_PASSWORD_TIME: ")
    assert Settings.load(password_memory=7168, password_time=5).password_time == 5
