"""What the tests of the local executor share."""

import logging
from pathlib import Path

import pytest
from redun.executors.base import ExecutorContext, TaskTarget
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import call_target

HERE = Path(__file__).parent


@pytest.fixture
def sink():
    return RecordingSink()


@pytest.fixture
def context(tmp_path):
    return ExecutorContext(tmp_path, "execution", "project", tmp_path / "scratch", logging.getLogger("redun.test"))


@pytest.fixture
def local_call(monkeypatch):
    """Makes calls of tasks that this process has not loaded."""
    monkeypatch.setattr("sys.path", __import__("sys").path[:])

    def make(job_id, name, *args, options=None, **kwargs):
        target = TaskTarget(f"local_tests.{name}", b"", "local_executor_tasks", (str(HERE),))
        return call_target(job_id, target, *args, options=options, **kwargs)

    return make
