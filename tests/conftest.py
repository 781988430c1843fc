"""For all tests: no time is asserted, Hypothesis' own deadlines neither."""

from hypothesis import HealthCheck, settings

settings.register_profile("mooring", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mooring")
