"""What plugin authors test their work with: conformance suites, one for each kind of plugin.

A suite is a pytest class. A test module subclasses it and overrides the fixture that makes the object under test:

    from redun.testing import ExecutorSuite

    class TestMyExecutor(ExecutorSuite):
        @pytest.fixture
        def executor(self):
            return MyExecutor("mine")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redun.testing.backend_suite import BackendSuite as BackendSuite
    from redun.testing.executor_suite import ExecutorSuite as ExecutorSuite

_MODULES = {
    "BackendSuite": "redun.testing.backend_suite",
    "ExecutorSuite": "redun.testing.executor_suite",
}

__all__ = ["BackendSuite", "ExecutorSuite"]


def __getattr__(name: str) -> Any:
    # Lazily, because a suite needs pytest, and the workers of an executor under test import this package for its tasks.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
