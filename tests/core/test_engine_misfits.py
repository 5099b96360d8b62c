"""A call with arguments that its task does not take is shown with them, wherever it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from redun import Scheduler, catch, task
from redun.pytest import WorkflowScheduler
from redun.scheduler.job_lines import JobLines
from redun.value import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.scheduler import JobEvent

redun_namespace = "misfits"


@task
def two() -> int:
    return 2


@task
def inc(x: int, *, by: int = 1) -> int:
    return x + by


@task
def recover(error: BaseException) -> str:
    return str(error)


class Unstorable:
    def __reduce__(self) -> Any:
        raise RuntimeError("not me")

    def __repr__(self) -> str:
        return "Unstorable()"


MISFITS = [
    (lambda: inc("sample", q=3), "inc(x='sample', q=3)", ["x = 'sample'", "q = 3"], {"x": "sample", "q": 3}),
    (lambda: inc(1, 5), "inc(x=1, 5)", ["x = 1", "argument 2 = 5"], {"x": 1, "argument 2": 5}),
    (lambda: inc(1, x=2), "inc(x=1, x=2)", ["argument 1 = 1", "x = 2"], {"argument 1": 1, "x": 2}),
    (lambda: inc(by=4), "inc(by=4)", ["by = 4"], {"by": 4}),
    (lambda: two(4), "two(4)", ["argument 1 = 4"], {"argument 1": 4}),
    (lambda: inc(two(), 5), "inc(x=misfits.two(), 5)", ["x = misfits.two()", "argument 2 = 5"], {"argument 2": 5}),
]


class FailedLines:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def handle(self, events: Sequence[JobEvent]) -> None:
        self.lines += [JobLines().line(event) for event in events if event.kind == "failed"]


@pytest.mark.parametrize(("call", "shown", "in_traceback", "recorded"), MISFITS)
def test_a_call_that_does_not_fit_is_shown_with_its_arguments(
    scheduler: Scheduler, call: Any, shown: str, in_traceback: list[str], recorded: dict[str, Any]
) -> None:
    observer = FailedLines()
    scheduler.observers.append(observer)
    with pytest.raises(TypeError):
        scheduler.run(call())
    assert f": misfits.{shown} (TypeError: " in observer.lines[0]
    assert scheduler.traceback is not None
    assert list(scheduler.traceback.frames[-1].arguments) == in_traceback
    job = next(row for row in scheduler.backend.jobs(scheduler.execution_id) if row.task_name.startswith("misfits"))
    assert job.call_hash is not None
    known = scheduler.backend.call(job.call_hash)
    assert known is not None
    stored = scheduler.backend.load_values([argument.value_hash for argument in known.arguments])
    values = {
        name: decode(found.codec, found.data, found.type_name)
        for name, found in ((argument.name, stored[argument.value_hash]) for argument in known.arguments)
    }
    assert values == recorded


def test_an_argument_that_cannot_be_stored_is_not_recorded_and_hides_no_other(scheduler: Scheduler) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'q'"):
        scheduler.run(inc(Unstorable(), q=3))
    assert scheduler.traceback is not None
    assert scheduler.traceback.frames[-1].arguments == ("x = Unstorable()", "q = 3")


def test_the_fixture_tells_of_calls_that_do_not_fit() -> None:
    scheduler = WorkflowScheduler()
    assert scheduler.run(catch([two(), inc("sample", q=3), inc(1, 5)], TypeError, recover)).startswith("inc() ")
    assert scheduler.failed(inc)[0] == {"x": "sample", "q": 3}
    assert scheduler.ran() is not None
    assert scheduler.cached() == []
