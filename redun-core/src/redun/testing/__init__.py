"""What plugin authors test their work with: conformance suites, one for each kind of plugin.

A suite is a pytest class. A test module subclasses it and overrides the fixture that makes the object under test:

    from redun.testing import ExecutorSuite

    class TestMyExecutor(ExecutorSuite):
        @pytest.fixture
        def executor(self):
            return MyExecutor("mine")

Tests of one's own can use the fixtures of the executors' suite without its tests, as subclasses of `ExecutorFixtures`:
`running` is the executor, started, and `sink` a `RecordingSink` that remembers what it reports. `make_call` and
`call_target` make calls.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redun.testing.backend_suite import BackendSuite as BackendSuite
    from redun.testing.executor_fixtures import ExecutorFixtures as ExecutorFixtures
    from redun.testing.executor_suite import ExecutorSuite as ExecutorSuite
    from redun.testing.filesystem_suite import FileSystemSuite as FileSystemSuite
    from redun.testing.recording_sink import RecordingSink as RecordingSink
    from redun.testing.task_calls import call_target as call_target
    from redun.testing.task_calls import make_call as make_call

_MODULES = {
    "BackendSuite": "redun.testing.backend_suite",
    "ExecutorFixtures": "redun.testing.executor_fixtures",
    "ExecutorSuite": "redun.testing.executor_suite",
    "FileSystemSuite": "redun.testing.filesystem_suite",
    "RecordingSink": "redun.testing.recording_sink",
    "call_target": "redun.testing.task_calls",
    "make_call": "redun.testing.task_calls",
}
_PARTS = {
    "backend": [
        "suite",
        "extensions",
        "fixtures",
        "handles",
        "look_ups",
        "questions",
        "recording",
        "records",
        "stores",
    ],
    "executor": ["suite", "async", "batches", "cancelling", "fixtures", "life", "outcomes", "scripts", "values"],
    "filesystem": ["suite", "listing", "rules"],
}

__all__ = [
    "BackendSuite",
    "ExecutorFixtures",
    "ExecutorSuite",
    "FileSystemSuite",
    "RecordingSink",
    "call_target",
    "make_call",
]


def __getattr__(name: str) -> Any:
    # Lazily, because a suite needs pytest, and the workers of an executor under test import this package for its tasks.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kind = _MODULES[name].rpartition(".")[2].partition("_")[0]
    if kind in _PARTS:
        import pytest

        # So that a failing test shows the values that it compared, as it does in a test module.
        pytest.register_assert_rewrite(*(f"redun.testing.{kind}_{part}" for part in _PARTS[kind]))
    return getattr(import_module(_MODULES[name]), name)
