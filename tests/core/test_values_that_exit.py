"""Methods of users' values that leave by `sys.exit` or the like: a failure of the job, as any other error there."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from redun import Scheduler, catch, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import Status
from redun.value import Value

redun_namespace = "test_values_that_exit"

HOW = {
    "sys.exit": lambda: sys.exit(3),
    "GeneratorExit": lambda: (_ for _ in ()).throw(GeneratorExit()),
}
WHERE = ("get_hash", "__getstate__", "serialize", "iter_subvalues", "postprocess")


class Leaving:
    """No `Value`: only its state is asked for."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __getstate__(self) -> Any:
        return HOW[self.how]()


def _leaving(where: str) -> type[Value]:
    def begin(self: Any, how: str) -> None:
        self.how = how

    def leave(self: Any, *_: Any) -> Any:
        return HOW[self.how]()

    name = f"leaving_{where}"
    made: Any = type(Value)(name, (Value,), {"__init__": begin, where: leave, "__module__": __name__})
    globals()[name] = made  # where other processes would import it from
    return made


CLASSES = {where: _leaving(where) for where in WHERE} | {"plain": Leaving}


@task
def make(where: str, how: str) -> Any:
    return [CLASSES[where](how)]


@task
def take(value: Any) -> Any:
    return value


@task
def pass_on(where: str, how: str) -> Any:
    return take([CLASSES[where](how)])


@task
def recover(error: Exception) -> str:
    return str(error)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("where", CLASSES)
def test_a_value_that_exits_fails_the_job_that_returns_it(
    scheduler: Scheduler, backend: MemoryBackend, where: str, how: str
) -> None:
    told = scheduler.run(catch(make(where, how), Exception, recover))
    assert "test_values_that_exit.make" in told
    assert {"sys.exit": "3", "GeneratorExit": ""}[how] in told
    rows = backend.jobs(scheduler.execution_id)
    assert [row.status for row in rows if row.task_name.endswith(".make")] == [Status.FAILED]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("where", [name for name in CLASSES if name != "postprocess"])
def test_a_value_that_exits_fails_the_call_that_is_given_it(scheduler: Scheduler, where: str, how: str) -> None:
    told = scheduler.run(catch(pass_on(where, how), Exception, recover))
    assert "take" in told
