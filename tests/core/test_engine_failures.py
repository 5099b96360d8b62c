"""What happens when something goes wrong, and what is kept of it."""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, catch, task, throw
from redun.backends.memory import MemoryBackend
from redun.backends.records import Status
from redun.errors import ExecutorError, SchedulerError
from redun.executors.alias import AliasExecutor
from redun.executors.inline import InlineExecutor
from redun.value import decode

redun_namespace = "test_engine_failures"

ran: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    ran.clear()


@task
def fine(x: int) -> int:
    ran.append("fine")
    return x


@task
def failing(x: int) -> int:
    ran.append("failing")
    raise ValueError(f"no {x}")


@task
def middle(x: int) -> Any:
    return [fine(x), failing(x)]


@task
def top(x: int) -> Any:
    return middle(x)


@task
def recover(error: Exception) -> str:
    ran.append("recover")
    return f"recovered from {error}"


def test_the_workflows_own_error_comes_out(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="no 1"):
        scheduler.run(top(1))


def test_the_traceback_speaks_of_tasks(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="no 1"):
        scheduler.run(top(1))
    assert scheduler.traceback is not None
    text = "\n".join(scheduler.traceback.format())
    names = [frame.task_name.split(".")[-1] for frame in scheduler.traceback.frames]
    assert names == ["top", "middle", "failing"]
    assert f'raise ValueError(f"no {{x}}")' in text  # noqa: F541 - the source line as it stands above
    assert "x = 1" in text
    assert "redun/executors" not in text


def test_what_finished_is_kept_and_what_failed_runs_again(scheduler: Scheduler) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="no 1"):
            scheduler.run(top(1))
    assert ran == ["fine", "failing", "failing"]


def test_failed_jobs_are_recorded_with_their_error(scheduler: Scheduler, backend: MemoryBackend) -> None:
    with pytest.raises(ValueError, match="no 1"):
        scheduler.run(top(1))
    execution = backend.execution(scheduler.execution_id)
    assert execution is not None
    assert execution.status is Status.FAILED
    rows = {row.task_name.split(".")[-1]: row for row in backend.jobs(execution.id)}
    assert {name: row.status for name, row in rows.items()} == {
        "top": Status.FAILED,
        "middle": Status.FAILED,
        "fine": Status.DONE,
        "failing": Status.FAILED,
    }
    call = backend.call(rows["top"].call_hash or b"")
    assert call is not None
    assert call.is_error
    stored = backend.load_values([call.value_hash])[call.value_hash]
    assert repr(decode(stored.codec, stored.data, stored.type_name).error) == "ValueError('no 1')"


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (lambda: catch(failing(1), ValueError, recover), "recovered from no 1"),
        (lambda: catch(fine(1), ValueError, recover), 1),
        (lambda: catch(failing(2), KeyError, fine, (TypeError, ValueError), recover), "recovered from no 2"),
        (lambda: catch(catch(failing(1), KeyError, fine), ValueError, recover), "recovered from no 1"),
        (lambda: catch([fine(1), top(3)], ValueError, recover), "recovered from no 3"),
        (lambda: catch(throw(KeyError("k")), KeyError, recover), "recovered from 'k'"),
        (
            lambda: [
                catch(failing(1), ValueError, recover),
                catch(failing(1), ValueError, fine.partial(7).task.partial()),
            ][:1],
            ["recovered from no 1"],
        ),
    ],
)
def test_catch_recovers_by_the_class_of_the_error(scheduler: Scheduler, expr: Any, value: Any) -> None:
    assert scheduler.run(expr()) == value


def test_an_error_that_no_class_fits_goes_on(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="no 1"):
        scheduler.run(catch(failing(1), KeyError, recover))


def test_the_same_failing_call_caught_twice_runs_once(scheduler: Scheduler) -> None:
    @task(name="twice")
    def twice() -> Any:
        return [catch(failing(1), ValueError, recover), catch(top(1), ValueError, recover)]

    assert scheduler.run(twice()) == ["recovered from no 1", "recovered from no 1"]
    assert ran.count("failing") == 1


def test_an_execution_whose_error_was_caught_is_done(scheduler: Scheduler, backend: MemoryBackend) -> None:
    scheduler.run(catch(failing(1), ValueError, recover))
    execution = backend.execution(scheduler.execution_id)
    assert execution is not None
    assert execution.status is Status.DONE


def test_an_error_that_cannot_be_pickled_is_recorded_by_its_text(scheduler: Scheduler, backend: MemoryBackend) -> None:
    class LocalError(Exception):
        pass

    @task(name="raises_local")
    def raises_local() -> None:
        raise LocalError("very local")

    with pytest.raises(LocalError):
        scheduler.run(raises_local())
    row = backend.job(scheduler.execution_id, 1)
    assert row is not None
    call = backend.call(row.call_hash or b"")
    assert call is not None
    stored = backend.load_values([call.value_hash])[call.value_hash]
    assert "very local" in repr(decode(stored.codec, stored.data, stored.type_name).error)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "nowhere"}, 'Unknown executor "nowhere"'),
        ({"cache_scope": "SOMETIMES"}, "cache_scope is 'SOMETIMES', but must be one of 'NONE', 'CSE', 'BACKEND'"),
        ({"check_valid": "deep"}, "check_valid is 'deep'"),
        ({"limits": "db"}, "limits must be a list of names or a dict"),
        ({"limits": {"db": 3}}, "needs 3 of the limit 'db', whose capacity is 1"),
        ({"allowed_cache_results": ["CSE"]}, "allowed_cache_results must be a set"),
    ],
)
def test_an_option_that_makes_no_sense_fails_the_job_with_one_message(
    scheduler: Scheduler, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SchedulerError, match=message.replace("(", r"\(")):
        scheduler.run(fine.options(**options)(1))


def test_aliases_lead_to_their_target(backend: MemoryBackend) -> None:
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    scheduler.add_executor(AliasExecutor("small", target="default"))
    scheduler.add_executor(AliasExecutor("tiny", target="small"))
    assert scheduler.run(fine.options(executor="tiny")(1)) == 1
    scheduler.add_executor(AliasExecutor("default", target="tiny"))
    with pytest.raises(SchedulerError, match="aliases of each other"):
        scheduler.run(fine.options(executor="tiny")(2))


def test_limits_bound_what_runs_at_once(backend: MemoryBackend) -> None:
    import threading

    local = pytest.importorskip("redun_executor_local.executor", reason="needs the package redun-executor-local")
    lock = threading.Lock()
    running, most = 0, 0
    together = threading.Barrier(2, timeout=30)

    @task(name="limited", limits=["db"])
    def limited(i: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1
        return i

    scheduler = Scheduler(backend=backend, executor=local.LocalExecutor("default", max_workers=8))
    scheduler.limits = {"db": 2}
    assert scheduler.run([limited(i) for i in range(20)]) == list(range(20))
    assert most == 2


def test_a_run_leaves_the_garbage_collector_as_it_was(scheduler: Scheduler) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    scheduler.run(fine(1))
    with pytest.raises(ValueError, match="no 1"):
        scheduler.run(failing(1))
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_an_interrupt_records_what_is_known(scheduler: Scheduler, backend: MemoryBackend) -> None:
    @task(name="interrupted")
    def interrupted(x: int) -> None:
        raise KeyboardInterrupt

    @task(name="around")
    def around() -> Any:
        return interrupted(fine(1))

    with pytest.raises(KeyboardInterrupt):
        scheduler.run(around())
    execution = backend.execution(scheduler.execution_id)
    assert execution is not None
    assert execution.status is Status.CANCELLED
    statuses = {row.task_name.split(".")[-1]: row.status for row in backend.jobs(execution.id)}
    assert statuses == {"around": Status.CANCELLED, "fine": Status.DONE, "interrupted": Status.CANCELLED}
    ran.clear()
    with pytest.raises(KeyboardInterrupt):
        scheduler.run(around())
    assert ran == []


def test_a_scheduler_serves_several_threads_at_once(backend: MemoryBackend) -> None:
    from concurrent.futures import ThreadPoolExecutor

    local = pytest.importorskip("redun_executor_local.executor", reason="needs the package redun-executor-local")
    scheduler = Scheduler(backend=backend, executor=local.LocalExecutor("default", max_workers=4))

    @task(name="square")
    def square(x: int) -> int:
        return x * x

    @task(name="squares")
    def squares(start: int) -> Any:
        return [square(i) for i in range(start, start + 50)]

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda start: scheduler.run(squares(start)), range(0, 400, 50)))
    assert results == [[i * i for i in range(start, start + 50)] for start in range(0, 400, 50)]


def test_an_interrupt_below_a_cached_call_leaves_a_row_for_that_call(
    scheduler: Scheduler, backend: MemoryBackend
) -> None:
    interrupts = False

    @task(name="sometimes", cache=False)
    def sometimes() -> int:
        if interrupts:
            raise KeyboardInterrupt
        return 1

    @task(name="above")
    def above() -> Any:
        return sometimes()

    scheduler.run(above())
    interrupts = True
    with pytest.raises(KeyboardInterrupt):
        scheduler.run(above())
    rows = {row.number: row for row in backend.jobs(scheduler.execution_id)}
    assert [rows[number].status for number in sorted(rows)] == [Status.CANCELLED, Status.CANCELLED]
    assert rows[2].parent == 1


def test_a_recovery_is_cached_by_the_error_alone(scheduler: Scheduler) -> None:
    scheduler.run(catch(failing(1), ValueError, recover))
    ran.clear()
    assert scheduler.run(catch(failing(1), ValueError, recover)) == "recovered from no 1"
    assert ran == ["failing"]


def test_an_error_of_the_engines_own_is_shown_by_its_message_alone(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match="Unknown executor"):
        scheduler.run(fine.options(executor="nowhere")(1))
    assert scheduler.traceback is not None
    lines = scheduler.traceback.detail.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith('redun.errors.SchedulerError: Unknown executor "nowhere". There are: default')


def test_options_that_look_like_a_slip_are_warned_about(scheduler: Scheduler) -> None:
    @task(name="slips", memry=3, my_own_option=1, memory=4)
    def slips() -> int:
        return 1

    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("redun").addHandler(handler)
    try:
        assert scheduler.run(slips()) == 1
    finally:
        logging.getLogger("redun").removeHandler(handler)
    name = slips.fullname
    assert messages == [
        f"task '{name}': unknown option 'memry'. Did you mean 'memory'?",
    ]


def test_a_cond_without_a_true_condition_can_be_caught_as_an_index_error(scheduler: Scheduler) -> None:
    from redun import cond

    assert scheduler.run(catch(cond(False, 1), IndexError, recover)).startswith("recovered from cond()")


def test_an_executor_that_cannot_start_is_named(scheduler: Scheduler) -> None:
    class Broken(InlineExecutor):
        def start(self, context: Any, sink: Any) -> None:
            Path("/nowhere/to/be/found").read_text()

    @task(name="on_broken", executor="broken")
    def on_broken() -> int:
        return 1

    scheduler.add_executor(Broken("broken"))
    with pytest.raises(ExecutorError, match="the executor 'broken' cannot be started: FileNotFoundError"):
        scheduler.run(on_broken())
