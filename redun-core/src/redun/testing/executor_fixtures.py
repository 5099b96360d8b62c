"""What the tests of executors start from."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from redun.executors.base import ExecutorContext
from redun.testing.recording_sink import End, RecordingSink
from redun.testing.task_calls import Meeting, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from redun.executors.base import Executor, TaskCall


class ExecutorFixtures:
    """Attributes and fixtures that a subclass of `ExecutorSuite` may override; it must override `executor`."""

    shares_filesystem = True
    """Tasks see the local filesystem. Otherwise the tests that hold a task by a named pipe are skipped."""
    shares_environment = True
    """Tasks have the environment variables and the working folder of the process that started the executor."""
    submit_waits = False
    """`submit` returns only when its calls have ended. Only the inline executor may say so."""
    many_calls = 1000
    """How many calls make a large batch; smaller batches are parts of it. Fewer, but at least 40, for an executor that
    takes long over each."""
    wait_seconds = 60.0
    """How long a test waits for anything before it fails."""

    @pytest.fixture
    def executor(self) -> Executor:
        """The executor under test, not started."""
        raise NotImplementedError("override the fixture `executor`")

    def break_executor(self, executor: Executor) -> None:  # noqa: ARG002 - for who overrides it
        """Override it to take away from a started executor what it cannot go on without: its server, say.

        The executor must then report itself as `broken`, at once or at the next call. By default that test is skipped.
        """
        pytest.skip("the suite was not told how to break this executor")

    @pytest.fixture
    def sink(self) -> Iterator[RecordingSink]:
        """Where the executor under test reports. After the test nothing may have ended twice, or after `stop`."""
        sink = RecordingSink(self.wait_seconds)
        yield sink
        sink.check()

    @pytest.fixture
    def context(self, tmp_path: Path) -> ExecutorContext:
        """The surroundings of the executor under test."""
        return ExecutorContext(tmp_path, "suite", "project", tmp_path / "scratch", logging.getLogger("redun.testing"))

    @pytest.fixture
    def running(self, executor: Executor, context: ExecutorContext, sink: RecordingSink) -> Iterator[Executor]:
        """The executor under test, started; stopped after the test."""
        executor.start(context, sink)
        yield executor
        within(self.wait_seconds, "the end of the executor", executor.stop)
        sink.close()

    @pytest.fixture
    def meetings(self, tmp_path: Path, running: Executor) -> list[Meeting]:
        """Enough meetings to fill the executor with calls that run until they are let go."""
        if self.submit_waits or not self.shares_filesystem:
            pytest.skip("cannot hold a task of this executor")
        return [Meeting(tmp_path, str(number), self.wait_seconds) for number in range(running.slots or 2)]

    @pytest.fixture
    def python_path(self) -> Iterator[None]:
        """Undoes what an executor in this process does to find a module."""
        before = sys.path[:]
        yield
        sys.path[:] = before

    def submit(self, executor: Executor, calls: Sequence[TaskCall]) -> None:
        """Submit these calls. Fails when that takes too long, instead of hanging."""
        within(self.wait_seconds, "the return of submit", lambda: executor.submit(calls))


def traceback_text(end: End) -> str:
    """The traceback that a user would see: the one that came along, or that of the error."""
    assert end.error is not None
    return end.traceback or "".join(traceback.format_exception(end.error))
