"""Fixtures for the tests of the core."""

from __future__ import annotations

import pytest
from redun import Scheduler
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor


@pytest.fixture
def backend() -> MemoryBackend:
    """An empty repository in memory."""
    return MemoryBackend()


@pytest.fixture
def scheduler(backend: MemoryBackend) -> Scheduler:
    """A scheduler that runs tasks inline and keeps results in memory."""
    return Scheduler(backend=backend, executor=InlineExecutor("default"))
