"""The executor keeps the rules that every executor keeps."""

from __future__ import annotations

import pytest
from redun.testing import ExecutorSuite
from redun_executor_subprocess.executor import SubprocessExecutor


class TestConformance(ExecutorSuite):
    """The tests that redun has for executors."""

    many_calls = 50  # every call starts an interpreter: 1,000 would take minutes and prove no more

    @pytest.fixture
    def executor(self) -> SubprocessExecutor:
        return SubprocessExecutor("subprocess", slots=3)
