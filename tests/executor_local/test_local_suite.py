"""The local executor keeps the rules of the executor interface, in every mode."""

import pytest
from redun.testing import ExecutorSuite
from redun_executor_local.executor import LocalExecutor


class TestThreads(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return LocalExecutor("threads", max_workers=2)


class TestOneThread(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return LocalExecutor("threads", max_workers=1)


class TestProcesses(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return LocalExecutor("processes", mode="process", max_workers=2)


class TestOneSpawnedProcess(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return LocalExecutor("processes", mode="process", max_workers=1, start_method="spawn")


class TestForkedProcesses(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return LocalExecutor("processes", mode="process", max_workers=2, start_method="fork")
