"""What a log line shows of a failure: where it was, never what the variables held."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from app.domain import trace
from app.logs import configure_logs


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variable(
    form: Literal["json", "console"], capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logs("info", form)
    password = "canary-" + "42"

    try:
        raise ValueError(len(password))
    except ValueError:
        structlog.get_logger("test").exception("it failed", resource="r")

    said = "".join(capfd.readouterr())
    assert "it failed" in said
    assert "ValueError" in said
    assert "canary-42" not in said


def test_at_debug_only_our_own_loggers_say_more(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", "json")

    structlog.get_logger("app.test").debug("ours")
    logging.getLogger("uvicorn.error").debug("a frame with a token")
    logging.getLogger("websockets.server").debug("another frame with a token")
    logging.getLogger("httpx2").info("the address of a request with a token")

    said = "".join(capfd.readouterr())
    assert "ours" in said
    assert "token" not in said


async def test_a_line_says_which_request_it_is_about(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")

    structlog.get_logger("app.test").info("before")
    trace.begin("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    structlog.get_logger("app.test").info("within")
    logging.getLogger("other").warning("another library")

    lines = {
        line["event"]: line
        for line in map(json.loads, "".join(capfd.readouterr()).split("\n")[:-1])
    }
    assert "trace_id" not in lines["before"]
    assert lines["within"]["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert lines["another library"]["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
