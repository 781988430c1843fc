"""What is said of a database's URL, whatever is in it."""

import pytest

from app.supervisor.database import described, problem


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:secret@db.test:5433/m", "m on db.test:5433"),
        ("postgresql://u:secret@[::1]:5433/m?sslmode=require", "m on [::1]:5433"),
        ("postgresql://u:secret@one:5432,two:5433/m", "m on one:5432,two:5433"),
        ("postgresql://u:secret@db.test:99999/m", "m on db.test:99999"),
        ("postgresql:///m?host=/run/postgresql", "m on a local socket"),
        ("host=db.test dbname=m password=secret", "what is given"),
    ],
)
def test_a_url_is_described_without_its_password(url: str, said: str) -> None:
    assert described(url) == said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@127.0.0.1:1,127.0.0.1:2/m",
        "postgresql://u:secret@127.0.0.1:99999/m",
        "postgresql://u:secret@127.0.0.1:abc/m",
        "host=127.0.0.1 dbname=m password=secret",
    ],
)
def test_what_cannot_be_reached_is_a_reason_and_no_traceback(url: str) -> None:
    reason = problem(url)

    assert reason
    assert "secret" not in reason
