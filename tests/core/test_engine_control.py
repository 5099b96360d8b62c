"""Scheduler tasks beyond cond and catch: gathering errors, tags, threads, exported options, unrecorded parts."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, apply_tags, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind, TagRecord
from redun.errors import SchedulerError
from redun.executors.inline import InlineExecutor
from redun.expression import quote
from redun.functools import no_prov
from redun.scheduler import Thread, catch, catch_all, fork_thread, join_thread, with_export_options
from redun.value import hash_value

redun_namespace = "test_engine_control"
ran: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))


@task
def note(value: Any) -> Any:
    ran.append(value)
    return value


@task
def refuse(word: str) -> Any:
    ran.append(word)
    raise ValueError(word)


@task
def give_up(word: str) -> Any:
    raise KeyError(word)


@task
def count_errors(values: Any) -> list[str]:
    return [type(value).__name__ for value in values]


class TestCatchAll:
    def test_without_errors_it_is_the_value(self, scheduler: Scheduler) -> None:
        assert scheduler.run(catch_all({"a": [note(1), 2], "b": note(3)})) == {"a": [1, 2], "b": 3}
        assert scheduler.run(catch_all([], ValueError, count_errors)) == []

    def test_the_recovery_is_given_errors_in_their_places(self, scheduler: Scheduler) -> None:
        expr = catch_all([note(1), refuse("x"), refuse("y"), note(2)], ValueError, count_errors)
        assert scheduler.run(expr) == ["int", "ValueError", "ValueError", "int"]

    def test_any_class_of_error_is_recovered_when_none_is_named(self, scheduler: Scheduler) -> None:
        assert scheduler.run(catch_all([refuse("x"), give_up("y")], None, count_errors)) == ["ValueError", "KeyError"]

    def test_without_a_recovery_everything_ends_before_the_first_error_is_raised(self, scheduler: Scheduler) -> None:
        with pytest.raises(ValueError, match="x"):
            scheduler.run(catch_all([refuse("x"), give_up("y"), note([note(1)])]))
        assert sorted(map(str, ran)) == ["1", "[1]", "x"]

    def test_an_error_of_another_class_is_raised(self, scheduler: Scheduler) -> None:
        with pytest.raises(KeyError, match="y"):
            scheduler.run(catch_all([refuse("x"), give_up("y")], ValueError, count_errors))
        recovered = catch(catch_all([give_up("y")], ValueError, count_errors), KeyError, note.partial())
        assert isinstance(scheduler.run(recovered), KeyError)


class TestTags:
    def test_they_attach_to_value_job_and_execution(self, scheduler: Scheduler) -> None:
        @task(name="tagging")
        def tagging(x: int) -> Any:
            return apply_tags(note(x), tags=[("a", 1)], job_tags=[("b", note("lazy"))], execution_tags=[("c", [2])])

        assert scheduler.run(tagging(5)) == 5
        backend, execution = scheduler.backend, scheduler.execution_id
        value, job = hash_value(5).hex(), f"{execution}.1"
        assert backend.tags(EntityKind.VALUE, [value]) == {value: [TagRecord(EntityKind.VALUE, value, "a", 1)]}
        assert backend.tags(EntityKind.JOB, [job]) == {job: [TagRecord(EntityKind.JOB, job, "b", "lazy")]}
        assert [tag.key for tag in backend.tags(EntityKind.EXECUTION, [execution])[execution]] == ["c"]

    @pytest.mark.parametrize("tags", ["a", [("a", object())], [("a",)]])
    def test_what_is_no_tag_is_refused(self, tags: Any, scheduler: Scheduler) -> None:
        with pytest.raises(SchedulerError, match="apply_tags"):
            scheduler.run(apply_tags(1, tags=tags))


class TestThreads:
    def test_a_thread_is_joined_by_any_job(self, scheduler: Scheduler) -> None:
        @task(name="joining")
        def joining(thread: Thread[int], extra: int) -> Any:
            return [join_thread(thread), extra]

        @task(name="forking")
        def forking() -> Any:
            thread = fork_thread(note(note(7)))
            return [joining(thread, 1), join_thread(thread)]

        for _ in range(2):
            assert scheduler.run(forking()) == [[7, 1], 7]
        assert ran == [7]

    def test_its_error_is_raised_where_it_is_joined(self, scheduler: Scheduler) -> None:
        @task(name="forking_failure")
        def forking_failure() -> Any:
            return [catch(join_thread(fork_thread(refuse("x"))), ValueError, note.partial()), fork_thread(refuse("y"))]

        error, thread = scheduler.run(forking_failure())
        assert (str(error), type(thread)) == ("x", Thread)

    def test_a_stored_thread_is_evaluated_when_it_is_joined(self, scheduler: Scheduler) -> None:
        @task(name="only_fork")
        def only_fork() -> Any:
            return fork_thread(note(9))

        thread = scheduler.run(only_fork())
        other = Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"))
        assert other.run(join_thread(thread)) == 9
        with pytest.raises(TypeError, match="join_thread"):
            other.run(join_thread(5))

    def test_an_edit_below_a_thread_reaches_who_joined_it(self, scheduler: Scheduler) -> None:
        @task(name="shallow_join", check_valid="shallow")
        def shallow_join(thread: Thread[int]) -> Any:
            return join_thread(thread)

        @task(name="fork_below")
        def fork_below() -> Any:
            return shallow_join(fork_thread(edited()))

        for version in ("1", "2"):

            @task(name="edited", version=version)
            def edited() -> str:
                return version  # noqa: B023

            assert scheduler.run(fork_below()) == version


class TestScopes:
    def test_exported_options_hold_below_a_quoted_expression(self, scheduler: Scheduler) -> None:
        scheduler.add_executor(InlineExecutor("other"))

        @task(name="outer")
        def outer() -> Any:
            return note(3)

        assert scheduler.run(with_export_options(quote(outer()), {"executor": "other"})) == 3
        jobs = scheduler.backend.jobs(scheduler.execution_id, limit=100)
        assert {job.executor for job in jobs if job.number > 1} == {"other"}

    def test_nothing_below_is_recorded_but_the_value_is_cached(self, scheduler: Scheduler) -> None:
        @task(name="many")
        def many() -> Any:
            return [note(number) for number in range(3)]

        for _ in range(2):
            assert scheduler.run([no_prov(many())]) == [[0, 1, 2]]
        assert sorted(ran) == [0, 1, 2]
        names = {scheduler.backend.task(job.task_hash).name for job in scheduler.backend.jobs(scheduler.execution_id)}
        assert names == {"root_task", "no_prov"}

    def test_an_edit_below_an_unrecorded_part_is_not_missed(self, scheduler: Scheduler) -> None:
        for version in ("1", "2"):

            @task(name="deep", version=version)
            def deep() -> str:
                return version  # noqa: B023

            @task(name="middle", version="1")
            def middle() -> Any:
                return deep()

            assert scheduler.run([no_prov(middle())]) == [version]
