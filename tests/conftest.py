"""What holds for all tests: none of them fails because the machine is slow, and how many examples are drawn."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40, print_blob=True
)
settings.register_profile("campaign", settings.get_profile("any machine"), max_examples=1000)
settings.load_profile("any machine")
