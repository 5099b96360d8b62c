"""Small executors of quite different kinds pass the suite, so it asks for nothing but the rules."""

import pytest
from redun.testing import ExecutorSuite
from small_executors import AsyncioExecutor, ProcessPerCall, ScriptExecutor, Shuffled, ThreadPerCall

pytestmark = pytest.mark.once


class TestThreadPerCall(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return ThreadPerCall()


class TestShuffledReports(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return Shuffled()


class TestAsyncio(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return AsyncioExecutor()


class TestScripts(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return ScriptExecutor()


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
class TestProcessPerCall(ExecutorSuite):
    many_calls = 40

    @pytest.fixture
    def executor(self):
        return ProcessPerCall()
