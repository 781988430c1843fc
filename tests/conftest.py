"""For all tests: no time is asserted, Hypothesis' own deadlines neither; logs from `info`.

A line of `debug` for each read of a cluster costs a test more than the read, and so does a
traceback in colours with what every name stood for. Collection makes a million objects that stay:
they are no garbage, so nobody looks at them for it, then or later.
"""

import gc
import logging
import os

import pytest
import structlog
from hypothesis import HealthCheck, settings

gc.disable()
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ],
)

# Examples are new ones each time, but where a change is judged: there they are the same ones.
settings.register_profile(
    "mooring",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize="MOORING_TEST_REQUIRE_ALL" in os.environ,
)
settings.load_profile("mooring")


@pytest.hookimpl
def pytest_collection_finish() -> None:
    """What is loaded by now stays for good."""
    gc.freeze()
    gc.enable()
