"""Testing workflows with pytest: a fixture `scheduler` that runs them in memory and knows what ran.

In a `conftest.py`, `pytest_plugins = ["redun.pytest"]`; or in the test module itself:

    from redun.pytest import scheduler
    from workflow import main, measure

    def test_each_word_is_measured_once(scheduler):
        assert scheduler.run(main(["to", "be", "to"])) == 6
        assert scheduler.ran(measure) == [{"word": "to"}, {"word": "be"}]

        scheduler.run(main(["to", "be", "to"]))
        assert not scheduler.ran()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from redun.backends.memory import MemoryBackend
from redun.scheduler import Scheduler
from redun.task import Task
from redun.task_registry import get_task_registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.scheduler import JobEvent


class WorkflowScheduler(Scheduler):
    """A scheduler with a repository of its own in memory, which is asked afterwards what its latest run did.

    Results are kept from one run to the next, so a second run takes from the cache what the first one has computed.
    """

    def __init__(self) -> None:
        self._watch = _Watch()
        super().__init__(backend=MemoryBackend(), observers=[self._watch])

    def run(self, expr: Any, *args: Any, **kwargs: Any) -> Any:
        """Evaluate a workflow, as `Scheduler.run` does."""
        self._watch.events.clear()
        return super().run(expr, *args, **kwargs)

    def ran(self, task: Task[..., Any] | str | None = None) -> list[dict[str, Any]]:
        """The arguments of the calls whose bodies ran in the latest run, by name of the parameter, in order.

        task: whose calls, the task or its full name; None means all of the workflow's.

        Raises `KeyError` for a name that no task has.
        """
        return self._calls("running", task)

    def cached(self, task: Task[..., Any] | str | None = None) -> list[dict[str, Any]]:
        """The arguments of the calls whose results came from the cache in the latest run, as `ran` gives them.

        Calls below a result that was taken from the cache as a whole are not made at all, so they are not among them.
        """
        return self._calls("cached", task)

    def failed(self, task: Task[..., Any] | str | None = None) -> list[dict[str, Any]]:
        """The arguments of the calls that failed in the latest run, as `ran` gives them.

        Of a call with one argument too many, `argument 3` is the name of the third one.
        """
        return self._calls("failed", task)

    def _calls(self, kind: str, task: Task[..., Any] | str | None) -> list[dict[str, Any]]:
        name = task.fullname if isinstance(task, Task) else task
        if name is not None and get_task_registry().get(name) is None:
            raise KeyError(f"no task {name!r} is defined: give its full name, with the namespace")
        chosen = {
            event.job_name: event
            for event in self._watch.events
            if event.kind == kind and (event.task_name == name if name is not None else _is_users(event.task_name))
        }
        return [_arguments(event) for event in chosen.values()]


class _Watch:
    """Remembers what happened."""

    def __init__(self) -> None:
        self.events: list[JobEvent] = []

    def handle(self, events: Sequence[JobEvent]) -> None:
        self.events.extend(events)


def _is_users(task_name: str) -> bool:
    return task_name.partition(".")[0] != "redun"


def _arguments(event: JobEvent) -> dict[str, Any]:
    task = get_task_registry().get(event.task_name)
    if task is None:
        return dict(event.kwargs)
    try:
        return dict(task.signature.bind(*event.args, **event.kwargs).arguments)
    except TypeError:  # the very reason why the call has failed
        return dict(task.binder.named(event.args, event.kwargs))


@pytest.fixture
def scheduler() -> WorkflowScheduler:
    """A scheduler with an empty repository in memory, which knows what its latest run did."""
    return WorkflowScheduler()
