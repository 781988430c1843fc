"""For all tests: no time is asserted, Hypothesis' own deadlines neither; logs from `info`.

A line of `debug` for each read of a cluster costs a test more than the read.
"""

import logging

import structlog
from hypothesis import HealthCheck, settings

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))

settings.register_profile("mooring", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mooring")
