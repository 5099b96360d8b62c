"""Fixtures for the tests of the core."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redun import Scheduler
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor

if TYPE_CHECKING:
    from provenance_bench import Bench

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


@pytest.fixture(params=["memory", pytest.param("sqlite", marks=pytest.mark.standard)])
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A workbench for workflows and their provenance, in an empty working directory; with each kind of backend."""
    from provenance_bench import Bench, make_backend

    monkeypatch.chdir(tmp_path)
    backend = make_backend(request.param, tmp_path)
    yield Bench(backend, tmp_path)
    backend.close()
