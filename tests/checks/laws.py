"""How hypothesis tries laws: the same examples at every run, and no deadline, as other work may slow the computer."""

from hypothesis import HealthCheck, settings

LAWS = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
