"""What holds for all tests: none fails because the machine is slow, how many examples are drawn, one log for each."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40, print_blob=True
)
settings.register_profile("campaign", settings.get_profile("any machine"), max_examples=1000)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Commands that a test runs in this process begin to show messages: the next test finds the logger as it was."""
    logger = logging.getLogger("redun")
    level, propagate, handlers = logger.level, logger.propagate, logger.handlers[:]
    yield
    logger.setLevel(level)
    logger.propagate, logger.handlers[:] = propagate, handlers
