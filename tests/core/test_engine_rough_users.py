"""What users' own code does wrong fails the job that it belongs to, with a message that says so."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from redun import Scheduler, catch, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import Status
from redun.errors import InvalidValueError, SchedulerError
from redun.expression import SchedulerExpression
from redun.promise import Promise
from redun.scheduler import catch_all
from redun.scheduler.job import Job
from redun.task import scheduler_task
from redun.value import Value

redun_namespace = "test_engine_rough_users"


class Holder(Value):
    type_name = "test_engine_rough_users.Holder"

    def iter_subvalues(self) -> Any:
        yield 1
        raise RuntimeError("nothing to tell")


class Hashed(Holder):
    type_name = "test_engine_rough_users.Hashed"

    def get_hash(self, data: bytes | None = None) -> str:
        return "0" * 40


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@task
def hold(kind: str) -> Any:
    return Holder() if kind == "state" else [Hashed()]


@task(max_retries=1, retry_delay=0)
def speechless() -> None:
    raise Speechless


@task
def recover(error: Any) -> str:
    return f"{type(error).__name__}: {error}"


@task
def one() -> int:
    return 1


@task
def fail() -> None:
    raise ValueError("failed")


def rejected_with_text(reject: Any) -> None:
    reject("text")


@scheduler_task(namespace=redun_namespace)
def rejecting(scheduler: Scheduler, parent_job: Job, sexpr: SchedulerExpression[Any]) -> Promise[Any]:
    return Promise(lambda _, reject: rejected_with_text(reject))


@scheduler_task(namespace=redun_namespace)
def leaving(scheduler: Scheduler, parent_job: Job, sexpr: SchedulerExpression[Any], when: str) -> Promise[Any]:
    if when == "at once":
        sys.exit(4)
    if when == "made":
        return Promise(lambda *_: sys.exit(4))
    return scheduler.evaluate(one(), parent_job=parent_job).then(sys.exit)


@pytest.mark.parametrize("kind", ["state", "hash"])
def test_a_value_that_cannot_tell_what_is_inside_fails_its_job(
    scheduler: Scheduler, backend: MemoryBackend, kind: str
) -> None:
    with pytest.raises(InvalidValueError, match="cannot be told: RuntimeError: nothing to tell"):
        scheduler.run(hold(kind))
    row = backend.job(scheduler.execution_id, 1)
    assert row is not None
    assert row.status is Status.FAILED
    assert "nothing to tell" in scheduler.run(catch(hold(kind), InvalidValueError, recover))


def test_an_error_without_a_text_fails_its_job(scheduler: Scheduler, backend: MemoryBackend) -> None:
    with pytest.raises(Speechless):
        scheduler.run([speechless(), one()])
    row = backend.job(scheduler.execution_id, 2)
    assert row is not None
    assert row.status is Status.FAILED


def test_a_scheduler_task_that_rejects_with_no_exception_fails(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match="rejecting' rejected its promise with 'text', which is no exception"):
        scheduler.run([rejecting()])
    assert "rejected its promise with 'text'" in scheduler.run(catch(rejecting(), SchedulerError, recover))


@pytest.mark.parametrize("when", ["at once", "made", "later"])
def test_a_scheduler_task_cannot_end_the_program(scheduler: Scheduler, when: str) -> None:
    code = 1 if when == "later" else 4
    with pytest.raises(SchedulerError, match=rf"leaving' called sys.exit\({code}\): to fail, raise an exception"):
        scheduler.run([leaving(when)])


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (lambda: catch(one(), "ValueError", recover), r"catch\(\) needs an exception class, .* given 'ValueError'"),
        (lambda: catch(one(), recover, ValueError), r"catch\(\) needs an exception class, .* given Task\("),
        (lambda: catch(one(), (ValueError, 3), recover), r"catch\(\) needs an exception class, .* given 3"),
        (lambda: catch(one(), ValueError, "x"), r"catch\(\) needs a task to recover with, but was given 'x'"),
        (
            lambda: catch(one(), KeyError, recover, KeyError, OSError),
            "to recover with, but was given <class 'OSError'>",
        ),
        (lambda: catch_all([one()], ValueError, 5), r"catch_all\(\) needs a task to recover with, but was given 5"),
        (lambda: catch_all([one()], "E", recover), r"catch_all\(\) needs an exception class, .* given 'E'"),
    ],
)
def test_a_misused_catch_is_told_although_nothing_fails(scheduler: Scheduler, expr: Any, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        scheduler.run([expr()])


def test_catch_takes_classes_in_every_form_that_python_does(scheduler: Scheduler) -> None:
    for classes in (ValueError, (KeyError, ValueError), (KeyError, (OSError, ValueError)), ValueError | KeyError):
        assert scheduler.run(catch(fail(), classes, recover)) == "ValueError: failed"
    with pytest.raises(ValueError, match="failed"):
        scheduler.run(catch_all([fail()], ValueError))
