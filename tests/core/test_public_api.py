"""What workflows import is where they import it from, and does what they expect of it."""

from __future__ import annotations

import importlib
import inspect
import io
import pickle
from pathlib import Path
from typing import Any

import pytest
import redun
from redun import Scheduler
from redun.cli import RedunClient, RedunClientError
from redun.errors import NoCurrentScheduler
from redun.expression import (
    ApplyExpression,
    Expression,
    QuotedExpression,
    SimpleExpression,
    ValueExpression,
    get_lazy_operation,
    lazy_operation,
    quote,
)
from redun.promise import Promise, wait_promises
from redun.scheduler import DryRunResult
from redun.task import TaskRegistry, get_task_registry, scheduler_task, task

redun_namespace = "test_public_api"

NAMES = {
    "redun": "Dir File PartialTask Scheduler Task apply_tags catch cond get_context get_current_namespace "
    "get_current_scheduler get_task_registry namespace run set_current_scheduler task throw version __version__",
    "redun.task": "task Task SchedulerTask PartialTask scheduler_task wraps_task TaskRegistry get_task_registry "
    "CacheScope CacheCheckValid CacheResult split_task_fullname get_tuple_type_length undefined_task",
    "redun.scheduler": "Scheduler Job JobInfo SchedulerError NoCurrentScheduler DryRunResult ErrorValue Traceback "
    "Frame Thread cond catch catch_all throw apply_tags fork_thread join_thread with_export_options root_task "
    "get_current_scheduler set_current_scheduler",
    "redun.functools": "compose compose_apply identity delay force seq const apply_func as_task eval_ map_ starmap "
    "flatten flat_map zip_ no_prov",
    "redun.context": "get_context get_context_value",
    "redun.file": "File FileSet Dir",
    "redun.value": "Value ProxyValue",
    "redun.expression": "Expression ApplyExpression TaskExpression SchedulerExpression SimpleExpression "
    "ValueExpression QuotedExpression quote lazy_operation get_lazy_operation",
    "redun.promise": "Promise wait_promises",
    "redun.config": "Config RedunConfigParser create_config_section Section SectionProxy",
    "redun.namespace": "namespace get_current_namespace compute_namespace",
    "redun.cli": "RedunClient RedunClientError main",
    "redun.pytest": "scheduler",
    "redun.executors.base": "Executor",
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names.split()]
)
def test_a_name_of_the_language_is_where_workflows_import_it_from(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


def test_all_lists_what_there_is_and_nothing_else() -> None:
    assert sorted(redun.__all__) == redun.__all__
    assert set(redun._HOMES) | {"__version__", "version"} == set(redun.__all__)
    for name in redun.__all__:
        assert getattr(redun, name) is not None


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (
            Scheduler.__init__,
            "self config backend executor logger use_task_traceback job_status_interval migrate",
        ),
        (Scheduler.run, "self expr exec_argv dryrun cache tags context execution_id"),
        (redun.run, "expr config_dir exec_argv dryrun cache tags context execution_id"),
        (redun.task, "func name namespace version compat script hash_includes source export_options task_options"),
        (
            redun.wraps_task,
            "wrapper_name wrapper_hash_includes use_wrapper_signature "
            "version compat script source export_options task_options",
        ),
        (scheduler_task, "name namespace version task_options"),
        (TaskRegistry.get, "self task_name hash"),
    ],
)
def test_parameters_have_the_names_and_the_order_that_workflows_use(function: Any, parameters: str) -> None:
    names = list(inspect.signature(function).parameters)
    assert names[: len(parameters.split())] == parameters.split()


# -- expressions ------------------------------------------------------------------------------------------------------


@task
def give(value: Any) -> Any:
    return value


@task
def increase(x: int) -> int:
    return x + 1


class Point:
    def __init__(self, x: int) -> None:
        self.x = x

    def moved(self, by: int) -> int:
        return self.x + by


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: give(3) == 3, True),
        (lambda: give(3) != 3, False),
        (lambda: give(3) < give(4), True),
        (lambda: give(3) <= 3, True),
        (lambda: give(3) > 3, False),
        (lambda: give(3) >= 4, False),
        (lambda: give(3) + 1, 4),
        (lambda: give(3) - 1, 2),
        (lambda: give(3) * 2, 6),
        (lambda: give(3) / 2, 1.5),
        (lambda: 1 + give(3), 4),
        (lambda: 1 - give(3), -2),
        (lambda: 2 * give(3), 6),
        (lambda: 6 / give(3), 2.0),
        (lambda: give(0) & 5, 0),
        (lambda: give(0) | 5, 5),
        (lambda: 0 & give(5), 0),
        (lambda: 0 | give(5), 5),
        (lambda: give([1, 2])[1], 2),
        (lambda: give({"a": 1})["a"], 1),
        (lambda: give([1, 2])[give(0)], 1),
        (lambda: give([0, 1, 2, 3])[1:3], [1, 2]),
        (lambda: give([0, 1, 2, 3])[:4:2], [0, 2]),
        (lambda: give(Point(3)).x, 3),
        (lambda: give(Point(3)).moved(by=give(4)), 7),
        (lambda: give(increase)(1), 2),
        (lambda: give(increase.partial(1))(), 2),
        (lambda: quote(give(1)), None),
    ],
)
def test_a_lazy_operation_gives_what_it_gives_on_values(make: Any, expected: Any, scheduler: Scheduler) -> None:
    result = scheduler.run(make())
    if isinstance(result, QuotedExpression):
        result = None
    assert result == expected


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: bool(give(1)),
        lambda: len(give(1)),
        lambda: list(give(1)),
        lambda: give(1) // 2,
        lambda: give(1) ** 2,
        lambda: give(1) % 2,
        lambda: -give(1),
        lambda: 1 in give([1]),
        lambda: give([1])[1:],
        lambda: give([1])[:-1],
    ],
)
def test_what_cannot_be_lazy_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError):
        wrong()


def test_operations_can_be_added_by_name(scheduler: Scheduler) -> None:
    @lazy_operation("test_power")
    def power(base: int, exponent: int) -> int:
        return base**exponent

    assert get_lazy_operation("test_power") is power
    assert scheduler.run(SimpleExpression("test_power", (give(2), 3))) == 8
    assert scheduler.run(ValueExpression([give(1)])) == [1]
    assert isinstance(give(1), ApplyExpression)
    assert isinstance(give(1), Expression)


# -- promises ---------------------------------------------------------------------------------------------------------


def test_promises_settle_once_and_say_how() -> None:
    promise: Promise[int] = Promise(lambda resolve, reject: resolve(1))
    promise.do_reject(ValueError())
    assert (promise.is_fulfilled, promise.value) == (True, 1)
    assert promise.then(lambda value: value + 1).value == 2
    assert Promise.all([]).value == []
    failed: Promise[int] = Promise(lambda resolve, reject: reject(KeyError("a")))
    assert isinstance(failed.value, KeyError)
    assert failed.catch(lambda error: 3).value == 3
    assert Promise.all([promise, failed]).is_rejected
    assert wait_promises([promise, failed]).value == [promise, failed]
    with pytest.raises(ValueError, match="pending"):
        Promise().value  # noqa: B018
    with pytest.raises(ValueError, match="not rejected"):
        promise.error  # noqa: B018


# -- tasks, registry, scheduler ---------------------------------------------------------------------------------------


def test_a_registry_knows_tasks_by_name_and_by_hash() -> None:
    registry = TaskRegistry()
    registry.add(give)
    registry.add(increase)
    assert list(registry) == [give, increase]
    assert registry.get("test_public_api.give") is give
    assert registry.get(task_name="nowhere") is None
    assert registry.get(hash=increase.hash) is increase
    assert registry.task_hashes == {give.hash, increase.hash}
    with pytest.raises(KeyError):
        registry.rename("nowhere", "a", "b")


def test_a_scheduler_task_may_answer_without_a_job(scheduler: Scheduler) -> None:
    @scheduler_task(namespace="test_public_api")
    def either(scheduler: Any, parent_job: Any, sexpr: Any, first: Any, second: Any = 2) -> Promise[Any]:
        evaluated: Promise[Any] = scheduler.evaluate(first, parent_job=parent_job)
        return evaluated.then(lambda value: value or second)

    assert scheduler.run([either(give(0), second=5), either(give(1))]) == [5, 1]
    assert "test_public_api.either" not in scheduler.job_counts()


def test_a_scheduler_has_the_attributes_that_clients_read(backend: Any, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bool] = []
    scheduler = Scheduler(backend=backend, use_task_traceback=False, job_status_interval=7, migrate=False)

    @task(name="looks", executor="inline", limits=["one"])
    def looks() -> int:
        seen.append(redun.get_current_scheduler().is_running)
        return 1

    from redun.executors.inline import InlineExecutor

    scheduler.add_executor(InlineExecutor("inline"))
    assert not scheduler.is_running
    assert scheduler.run(looks()) == 1
    assert seen == [True]
    assert not scheduler.is_running
    assert scheduler.limits_used == {"one": 0}
    assert scheduler.task_registry is get_task_registry()
    assert (scheduler.job_status_interval, scheduler.use_task_traceback) == (7, False)
    assert dict(scheduler.limits) == {}
    with caplog.at_level("INFO", "redun"):
        scheduler.log("one", 2, indent=2)
        scheduler.log("a\nb", multiline=True)
    assert caplog.messages[-3:] == ["  one 2", "a", "b"]
    with pytest.raises(NoCurrentScheduler):
        redun.get_current_scheduler()
    assert redun.get_current_scheduler(required=False) is None


def test_a_copy_with_options_is_the_same_task(scheduler: Scheduler) -> None:
    @task(name="described", hash_includes=["more"], version="2", config_args=["label"])
    def described(x: int, label: str = "") -> int:
        return x

    copied = pickle.loads(pickle.dumps(described.options(memory=1)))
    assert (copied.hash, copied.version, copied.has_task_option("memory")) == (described.hash, "2", True)
    assert copied.get_task_option("nothing", 5) == 5
    assert copied.is_valid()
    scheduler.run(described(1, "a"))
    scheduler.run(described.options(memory=1)(1, "b"))
    assert scheduler.job_counts()["test_public_api.described"] == [0, 0, 0, 1, 0]


# -- whole programs ---------------------------------------------------------------------------------------------------

WORKFLOW = """
from redun import task

redun_namespace = "public_program"

@task
def main(x: int = 1):
    return [x, add(x)]

@task
def add(x):
    return x + 1

@task
def fail():
    raise LookupError("lost")
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a workflow in the working directory, which has a configuration."""
    name = f"public_program_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(WORKFLOW)
    (tmp_path / ".redun").mkdir()
    (tmp_path / ".redun" / "redun.ini").write_text("[backend]\ndb_uri = memory://\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    # Nobody can import its tasks afterwards.
    monkeypatch.setattr(get_task_registry(), "_tasks", dict(get_task_registry()._tasks))
    return name


def test_run_evaluates_with_the_configuration_that_is_found(program: str, tmp_path: Path) -> None:
    workflow = importlib.import_module(program)
    assert redun.run(workflow.main(2)) == [2, 3]
    # The same folder, so the same scheduler and its repository: nothing has to run.
    assert redun.run(workflow.main(2), config_dir=".redun", dryrun=True) == [2, 3]
    with pytest.raises(DryRunResult):
        redun.run(workflow.main(3), dryrun=True)
    other = tmp_path / "other"
    assert redun.run([workflow.add(1)], config_dir=other) == [2]
    assert (other / "redun.ini").is_file()
    with pytest.raises(LookupError, match="lost"):
        redun.run(workflow.fail())


def test_run_follows_the_working_directory(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = importlib.import_module(program)
    redun.run(workflow.main(2))
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".redun").mkdir(parents=True)
    (elsewhere / ".redun" / "redun.ini").write_text("[backend]\ndb_uri = memory://\n")
    monkeypatch.chdir(elsewhere)
    with pytest.raises(DryRunResult):
        redun.run(workflow.main(2), dryrun=True)


def test_the_client_returns_what_the_workflow_returns(program: str) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    client = RedunClient(stdout, stderr)
    assert client.execute(["redun", "run", f"{program}.py", "main", "--x", "4"]) == [4, 5]
    assert stdout.getvalue() == "[4, 5]\n"
    assert "Start Execution" in stderr.getvalue()
    assert client.execute(["redun", "--version"]) is None
    with pytest.raises(LookupError, match="lost"):
        client.execute(["redun", "run", f"{program}.py", "fail"])
    with pytest.raises(RedunClientError, match="no task 'nothing'"):
        client.execute(["redun", "run", f"{program}.py", "nothing"])
    with pytest.raises(RedunClientError, match="no command 'nothing'"):
        client.execute(["redun", "nothing"])
