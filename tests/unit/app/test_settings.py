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


@pytest.mark.parametrize(
    ("name", "issuer"),
    [
        ("GITHUB", "https://login.example"),
        ("SESSION", "https://login.example"),
        ("acme", "https://login.example"),
        ("../x", "https://login.example"),
        ("ACME", "http://login.example"),
        ("ACME", "https://login.example/?x=1"),
        ("ACME", "https://user@login.example"),
        ("ACME", "login.example"),
    ],
)
def test_a_provider_that_cannot_be_trusted_is_refused_by_name(name: str, issuer: str) -> None:
    chosen = {"issuer": issuer, "client_id": "x", "client_secret": "hunter2"}

    with pytest.raises(SettingsError) as wrong:
        Settings.load(openid_providers={name: chosen})

    assert str(wrong.value).startswith("MOORING_OPENID_PROVIDERS: ")
    assert "hunter2" not in str(wrong.value)


def test_google_needs_no_issuer() -> None:
    chosen = {"client_id": "x", "client_secret": "y"}

    settings = Settings.load(openid_providers={"GOOGLE": chosen})

    assert settings.openid_providers["GOOGLE"].issuer == "https://accounts.google.com"
