"""The rules of the executor interface, as tests that any executor can run."""

from __future__ import annotations

from redun.testing.executor_async import AsyncTasks
from redun.testing.executor_batches import Batches
from redun.testing.executor_cancelling import Cancelling
from redun.testing.executor_life import Life
from redun.testing.executor_outcomes import Outcomes
from redun.testing.executor_scripts import Scripts
from redun.testing.executor_values import Values


class ExecutorSuite(Outcomes, Batches, Values, Cancelling, Life, Scripts, AsyncTasks):
    """Subclass it and override the fixture `executor`, which makes the executor under test, not started.

    For example:

        class TestMyExecutor(ExecutorSuite):
            @pytest.fixture
            def executor(self):
                return MyExecutor("mine", workers=2)

    What the executor declares in `capabilities` and `slots` decides which tests there are; the others are skipped. It
    must have less than 50 slots. Attributes to override, of which `executor_fixtures` says more: `shares_filesystem`,
    `shares_environment`, `submit_waits`, `many_calls`, `wait_seconds`; a method: `break_executor`; fixtures: `context`.
    """
