"""Sub-runs: a part of a workflow that another scheduler evaluates, as more jobs of the same execution."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, get_context, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind, Status
from redun.config import Config
from redun.errors import InvalidValueError, SchedulerError
from redun.executors.inline import InlineExecutor
from redun.functools import no_prov
from redun.job_info import JobInfo
from redun.scheduler import DryRunResult, subrun
from redun.scheduler.sub_runs import SubRunSettings
from redun.scheduler.sub_scheduler import make_config
from redun.task_registry import get_task_registry
from small_executors import ThreadPerCall

redun_namespace = "test_subrun"
pytestmark = pytest.mark.timeout(60)

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture(params=["inline", "thread"])
def scheduler(request: pytest.FixtureRequest, backend: MemoryBackend) -> Iterator[Scheduler]:
    """A scheduler with an executor `sub`, of which sub-runs make use, in this process."""
    executor = InlineExecutor("default")
    made = Scheduler(backend=backend, executor=executor)
    made.add_executor(InlineExecutor("sub") if request.param == "inline" else ThreadPerCall("sub"))
    return made


@task()
def add(a: int, b: int) -> int:
    ran.append("add")
    return a + b


@task()
def twice(a: int) -> int:
    ran.append("twice")
    return add(a, a)


@task()
def fail(message: str) -> None:
    raise ValueError(message)


@task()
def double_elsewhere(a: int) -> int:
    return subrun(twice(a), executor="sub")


@task()
def who(job: JobInfo = JobInfo()) -> str:
    return job.job_id


@task()
def options_of(job: JobInfo = JobInfo()) -> Any:
    return job.options.get("tint")


@task()
def show(value: Any) -> Any:
    return value


def the_job(scheduler: Scheduler, name: str, execution_id: str | None = None) -> Any:
    rows = scheduler.backend.jobs(execution_id or scheduler.execution_id)
    return next(row for row in rows if row.task_name == name)


def test_a_sub_run_gives_the_value_of_its_expression(scheduler: Scheduler) -> None:
    assert scheduler.run(subrun(twice(add(1, 2)), executor="sub")) == 6
    assert scheduler.run(subrun({"a": [add(1, 1), 5]}, executor="sub")) == {"a": [2, 5]}
    assert scheduler.run(show(subrun(twice(4), executor="sub")) + 1) == 9


def test_its_jobs_are_below_its_job_in_the_same_execution(scheduler: Scheduler) -> None:
    scheduler.run(double_elsewhere(2))
    backend, execution = scheduler.backend, scheduler.execution_id
    assert len(backend.executions(limit=10)) == 1
    outer = the_job(scheduler, "redun.subrun_root_task")
    (inner,) = backend.jobs(execution, parent=outer.number)
    assert inner.task_name == "test_subrun.twice"
    (leaf,) = backend.jobs(execution, parent=inner.number)
    assert leaf.task_name == "test_subrun.add"
    assert {row.status for row in backend.jobs(execution)} == {Status.DONE}
    call = backend.call(outer.call_hash)
    assert call is not None
    assert call.children == (inner.call_hash,)


def test_many_sub_runs_never_use_the_same_job_number(scheduler: Scheduler) -> None:
    nested = [subrun(show(subrun(twice(number), executor="inline")), executor="sub") for number in range(12)]
    assert scheduler.run(nested) == [2 * number for number in range(12)]
    rows = scheduler.backend.jobs(scheduler.execution_id, limit=10_000)
    assert len({row.number for row in rows}) == len(rows) == 1 + 12 * 6
    by_number = {row.number: row for row in rows}
    for row in rows:
        if row.task_name == "test_subrun.add":
            parent = by_number[row.parent]
            assert parent.task_name == "test_subrun.twice"
            assert by_number[parent.parent].task_name == "redun.subrun_root_task"


def test_a_second_run_takes_the_result_without_starting_a_sub_scheduler(scheduler: Scheduler) -> None:
    scheduler.run(double_elsewhere(2))
    ran.clear()
    assert scheduler.run(double_elsewhere(2)) == 4
    assert ran == []
    outer = the_job(scheduler, "redun.subrun_root_task")
    assert outer.status is Status.CACHED
    assert outer.child_count == 0


def test_an_edit_below_a_sub_run_runs_what_it_must_and_no_more(scheduler: Scheduler) -> None:
    scheduler.run(double_elsewhere(3))
    ran.clear()
    original = get_task_registry().get("test_subrun.add")
    try:

        @task(name="add", namespace="test_subrun")
        def edited(a: int, b: int) -> int:
            ran.append("edited add")
            return 100 * (a + b)

        assert scheduler.run(double_elsewhere(3)) == 600
        assert ran == ["edited add"]
    finally:
        assert original is not None
        get_task_registry().add(original)


def test_a_full_check_starts_the_sub_scheduler_which_finds_every_call(scheduler: Scheduler) -> None:
    expr = subrun(twice(3), executor="sub", check_valid="full")
    scheduler.run(expr)
    ran.clear()
    assert scheduler.run(expr) == 6
    assert ran == []
    assert the_job(scheduler, "redun.subrun_root_task").status is Status.DONE
    assert the_job(scheduler, "test_subrun.twice").status is Status.CACHED


def test_options_of_subrun_hold_for_its_job(scheduler: Scheduler) -> None:
    expr = subrun.options(cache_scope="CSE")(twice(3), executor="sub", tags=[("colour", "red")])
    scheduler.run(expr)
    scheduler.run(expr)
    outer = the_job(scheduler, "redun.subrun_root_task")
    assert outer.status is Status.DONE
    name = f"{scheduler.execution_id}.{outer.number}"
    assert [tag.value for tag in scheduler.backend.tags(EntityKind.JOB, [name])[name]] == ["red"]


def test_no_cache_holds_in_the_sub_scheduler_too(scheduler: Scheduler) -> None:
    scheduler.run(double_elsewhere(2))
    ran.clear()
    scheduler.run(double_elsewhere(2), cache=False)
    assert ran == ["twice", "add"]


def test_a_dry_run_starts_no_sub_scheduler(scheduler: Scheduler) -> None:
    with pytest.raises(DryRunResult):
        scheduler.run(subrun(twice(2), executor="sub"), dryrun=True)
    assert ran == []
    scheduler.run(subrun(twice(2), executor="sub"))
    assert scheduler.run(subrun(twice(2), executor="sub"), dryrun=True) == 4


def test_context_and_exported_options_reach_the_tasks_of_a_sub_run(scheduler: Scheduler) -> None:
    @task(namespace="test_subrun")
    def main() -> Any:
        return subrun([get_context("colour"), options_of()], executor="sub")

    expr = main.export_options(tint="dark").update_context(colour="blue")()
    assert scheduler.run(expr, context={"colour": "red"}) == ["blue", "dark"]


def test_an_error_is_raised_as_it_is_and_told_in_terms_of_all_jobs(scheduler: Scheduler) -> None:
    @task(namespace="test_subrun")
    def outer() -> Any:
        return subrun(fail("no luck"), executor="sub")

    with pytest.raises(ValueError, match=r"^no luck$"):
        scheduler.run(outer())
    assert scheduler.traceback is not None
    names = [frame.task_name for frame in scheduler.traceback.frames]
    assert names == ["test_subrun.outer", "redun.subrun_root_task", "test_subrun.fail"]
    assert "in fail" in scheduler.traceback.detail
    assert {row.status for row in scheduler.backend.jobs(scheduler.execution_id)} == {Status.FAILED}


def test_an_unknown_executor_in_a_sub_run_is_an_error_that_names_it(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match='Unknown executor "nowhere"'):
        scheduler.run(subrun(twice(1), executor="nowhere"))
    with pytest.raises(SchedulerError, match='Unknown executor "nowhere"'):
        scheduler.run(subrun(twice.options(executor="nowhere")(1), executor="sub"))


def test_a_module_that_cannot_be_imported_is_named(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match=r"cannot import the module 'no_such_module'.*load_modules"):
        scheduler.run(subrun(twice(1), executor="sub", load_modules=["no_such_module"]))
    with pytest.raises(SchedulerError, match="load_modules is a list"):
        scheduler.run(subrun(twice(1), executor="sub", load_modules="os"))


def test_config_and_config_dir_exclude_each_other(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match="config or config_dir, not both"):
        scheduler.run(subrun(twice(1), executor="sub", config={}, config_dir="."))


def test_what_is_no_configuration_is_named(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match="config is a Config, or options by section name, not 5"):
        scheduler.run(subrun(twice(1), executor="sub", config=5))
    with pytest.raises(SchedulerError, match="config_dir is the path of a configuration directory, not 5"):
        scheduler.run(subrun(twice(1), executor="sub", config_dir=5))


def test_a_configuration_of_its_own_is_used(scheduler: Scheduler) -> None:
    config = {
        "backend": {"db_uri": "memory://"},
        "executors.mine": {"type": "inline"},
        "scheduler": {"context": '{"colour": "green"}'},
    }
    expr = subrun([twice.options(executor="mine")(4), get_context("colour")], "sub", config=config, new_execution=True)
    assert scheduler.run(expr) == [8, "green"]


def test_another_repository_than_the_outer_one_cannot_be_extended(scheduler: Scheduler) -> None:
    config = {"backend": {"db_uri": "memory://"}}
    with pytest.raises(SchedulerError, match=r"has no job .*new_execution=True"):
        scheduler.run(subrun(twice(1), executor="sub", config=config))


def test_a_new_execution_is_recorded_apart_and_named_by_a_tag(scheduler: Scheduler) -> None:
    expr = subrun(twice(5), executor="sub", new_execution=True)
    assert scheduler.run(expr) == 10
    outer = the_job(scheduler, "redun.subrun_root_task")
    assert outer.child_count == 0
    name = f"{scheduler.execution_id}.{outer.number}"
    (tag,) = scheduler.backend.tags(EntityKind.JOB, [name])[name]
    assert tag.key == "redun.sub_execution"
    other = scheduler.backend.execution(tag.value)
    assert other is not None
    assert (other.status, other.args) == (Status.DONE, ("subrun", name))
    assert the_job(scheduler, "test_subrun.twice", tag.value).number == 1


def test_below_jobs_that_are_not_recorded_an_execution_of_its_own_is(scheduler: Scheduler) -> None:
    assert scheduler.run(no_prov(subrun(twice(7), executor="sub"))) == 14
    newest = [execution for execution in scheduler.backend.executions(limit=5) if execution.args[0] == "subrun"]
    assert len(newest) == 1
    assert the_job(scheduler, "test_subrun.twice", newest[0].id).status is Status.DONE


def test_a_value_that_cannot_be_stored_cannot_be_sent(scheduler: Scheduler) -> None:
    with pytest.raises(InvalidValueError):
        scheduler.run(subrun(show(lambda: 1), executor="sub"))


# -- extend_run --------------------------------------------------------------------------------------------------------


def test_extend_run_adds_jobs_below_a_job_and_says_which(scheduler: Scheduler) -> None:
    job_id = scheduler.run(who())
    execution = scheduler.execution_id
    ended = scheduler.backend.execution(execution)
    outcome = scheduler.extend_run(twice(2), job_id)
    assert outcome["result"] == 4
    row = the_job(scheduler, "test_subrun.twice", execution)
    assert outcome["job_id"] == f"{execution}.{row.number}"
    assert outcome["call_hash"] == row.call_hash.hex()
    assert row.parent == int(job_id.rpartition(".")[2])
    assert outcome["tasks"] == sorted(get_task_registry().get(f"test_subrun.{n}").hash for n in ("twice", "add"))
    assert scheduler.backend.execution(execution) == ended


def test_extend_run_tells_errors_and_dry_runs(scheduler: Scheduler) -> None:
    job_id = scheduler.run(who())
    outcome = scheduler.extend_run(fail("no"), job_id)
    assert isinstance(outcome["error"], ValueError)
    assert "result" not in outcome
    assert outcome["traceback"].frames[-1].task_name == "test_subrun.fail"
    assert scheduler.extend_run(twice(99), job_id, dryrun=True) == {"dryrun": True}


@pytest.mark.parametrize("job_id", ["", "nonsense", "00000000-0000-0000-0000-000000000000.1", "{}.77", "{}.x"])
def test_extend_run_refuses_a_job_that_is_not_there(scheduler: Scheduler, job_id: str) -> None:
    scheduler.run(who())
    with pytest.raises(ValueError, match="has no job"):
        scheduler.extend_run(twice(2), job_id.format(scheduler.execution_id))


class Spy(InlineExecutor):
    """Keeps what would be sent to another process."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.sent = b""

    def submit(self, calls: Any) -> None:
        self.sent += b"".join(pickle.dumps(call) for call in calls)
        super().submit(calls)


def test_the_configuration_is_sent_as_it_is_written_and_not_recorded(
    monkeypatch: pytest.MonkeyPatch, backend: MemoryBackend
) -> None:
    monkeypatch.setenv("SUBRUN_PASSWORD", "outer-secret")
    config = Config({"executors.mine": {"type": "inline"}, "tags": {"password": "${SUBRUN_PASSWORD}"}})
    scheduler = Scheduler(config=config, backend=backend, executor=InlineExecutor("default"))
    spy = Spy("sub")
    scheduler.add_executor(spy)
    assert scheduler.run(subrun(twice.options(executor="mine")(2), executor="sub")) == 4
    assert b"${SUBRUN_PASSWORD}" in spy.sent
    assert b"outer-secret" not in spy.sent
    recorded = b"".join(value.data for value in backend._values.values())
    assert b"SUBRUN_PASSWORD" not in recorded
    assert b"outer-secret" not in recorded


def test_where_the_configuration_directory_is_not_paths_below_it_are_relative(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    config = {"executors.x": {"scratch": f"{folder}/scratch", "type": "inline"}}
    settings = SubRunSettings(
        config=config,
        config_folder=str(folder),
        config_dir=None,
        is_own_config=False,
        new_execution=False,
        load_modules=(),
        import_paths=(),
        is_dry=False,
        use_cache=True,
        context={},
        exports={},
        observers=(),
        log_level=20,
    )
    there = make_config(settings)
    assert there is not None
    assert (there.configdir, there["executors"]["x"]["scratch"]) == (".", "./scratch")
    folder.mkdir()
    here = make_config(settings)
    assert here is not None
    assert (here.configdir, here["executors"]["x"]["scratch"]) == (str(folder), f"{folder}/scratch")
