"""Fixtures for the tests of the core."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from redun import Scheduler
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor

# Support modules are imported by name, in worker processes of small executors too.
sys.path.append(str(Path(__file__).parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs the packages that redun-core[standard] brings, where the core is alone."""
    packages = ("redun_backend_sql", "redun_executor_local")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        for item in items:
            if item.get_closest_marker("standard"):
                item.add_marker(pytest.mark.skip(reason=f"needs {' and '.join(missing)}: redun-core[standard]"))


@pytest.fixture
def backend() -> MemoryBackend:
    """An empty repository in memory."""
    return MemoryBackend()


@pytest.fixture
def scheduler(backend: MemoryBackend) -> Scheduler:
    """A scheduler that runs tasks inline and keeps results in memory."""
    return Scheduler(backend=backend, executor=InlineExecutor("default"))
