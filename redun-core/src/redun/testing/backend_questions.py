"""Questions about what was recorded: executions, jobs, calls, tasks, values, files and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from redun.backends.records import EntityKind, EntityRef, FileRow, RecordBatch, Status, TagRecord, TaskCount, TaskRecord
from redun.testing.backend_fixtures import MANY, BackendFixtures
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from redun.backends.base import Backend


class Questions(BackendFixtures):
    """What `redun log` asks, and whoever else looks at provenance."""

    def test_executions_come_newest_first(self, backend: Backend) -> None:
        """In pages, and one by one with the latest state."""
        stories = [Story(f"{i}0000000-0000-4000-8000-000000000000", time=1000.0 + i) for i in range(5)]
        for story in stories:
            backend.record(story.begin().take())
        newest = [story.execution() for story in reversed(stories)]
        assert backend.executions(limit=3) == newest[:3]
        assert backend.executions(limit=3, skip=3) == newest[3:]
        ended = stories[2].execution(Status.FAILED, end_time=2000.0)
        backend.record(RecordBatch(executions=[ended]))
        assert backend.execution(ended.id) == ended
        assert backend.execution("unknown") is None

    def test_jobs_come_in_pages_by_number(self, backend: Backend, story: Story) -> None:
        """All of an execution, or the children of one."""
        call = story.call("f", "result")
        story.job(1)
        for number in range(2, 12):
            story.job(number, call, parent=1 if number % 2 else 2)
        backend.record(story.take())
        assert [job.number for job in backend.jobs(story.execution_id, limit=4)] == [1, 2, 3, 4]
        assert [job.number for job in backend.jobs(story.execution_id, after=9)] == [10, 11]
        assert [job.number for job in backend.jobs(story.execution_id, parent=1, after=3, limit=2)] == [5, 7]
        assert backend.jobs("unknown") == []

    def test_a_job_row_says_everything(self, backend: Backend, story: Story) -> None:
        """While it runs, and afterwards."""
        running = story.job(1)
        call = story.call("f", "result")
        done = story.job(2, call, parent=1)
        backend.record(story.take())
        row = backend.job(story.execution_id, 1)
        assert row is not None
        assert row[:3] == (story.execution_id, 1, None)
        assert (row.task_name, row.task_hash, row.eval_hash) == ("suite.work", story.task_hash, running.eval_hash)
        assert (row.call_hash, row.status, row.end_time, row.child_count) == (None, Status.RUNNING, None, 1)
        row = backend.job(story.execution_id, 2)
        assert row is not None
        assert (row.parent, row.eval_hash, row.call_hash) == (1, call.eval_hash, call.call_hash)
        assert row[7:12] == (Status.DONE, done.start_time, done.end_time, "default", 1)
        assert backend.job(story.execution_id, 3) is None

    def test_counters_follow_a_job_from_running_to_its_end(self, backend: Backend, story: Story) -> None:
        """However its records fall into batches; an end is never taken back."""
        call = story.call("f", "result")
        for number in (1, 2, 3):
            story.job(number)
        story.job(3, call)  # within the same batch
        running = story.batch.jobs[1]
        backend.record(story.take())
        count = [TaskCount("suite.work", Status.RUNNING, 2), TaskCount("suite.work", Status.DONE, 1)]
        assert backend.task_counts(story.execution_id) == count
        story.job(1, call, status=Status.CACHED)
        story.job(2, call, status=Status.FAILED)
        story.job(4, call)
        backend.record(story.take())
        backend.record(RecordBatch(jobs=[running]))
        assert backend.task_counts(story.execution_id) == [
            TaskCount("suite.work", Status.DONE, 2),
            TaskCount("suite.work", Status.CACHED, 1),
            TaskCount("suite.work", Status.FAILED, 1),
        ]
        # Not numbers of the database's own, which would compare equal: JSON is made of them.
        assert {type(each.count) for each in backend.task_counts(story.execution_id)} == {int}
        row = backend.job(story.execution_id, 2)
        assert row is not None
        assert row.status is Status.FAILED

    def test_a_call_comes_back_as_it_was(self, backend: Backend, story: Story) -> None:
        """With the names of its arguments, what they were derived from, and the calls that it made."""
        child = story.call("child", "inner")
        call = story.call(
            "f",
            "result",
            raw="expression",
            arguments=["small", "large ".ljust(100, ".")],
            upstream=[child.call_hash, hash_of("elsewhere")],
            children=[child.call_hash, child.call_hash],
            context=hash_of("context"),
        )
        backend.record(story.take())
        assert backend.call(call.call_hash) == call
        assert backend.call(hash_of("unknown")) is None
        asked = [call.call_hash, hash_of("unknown"), child.call_hash, call.call_hash]
        assert backend.calls(asked) == {call.call_hash: call, child.call_hash: child}

    def test_the_jobs_of_a_call_and_of_a_task_come_newest_first(self, backend: Backend) -> None:
        """Across executions."""
        expected: list[tuple[str, int]] = []
        for i in range(3):
            story = Story(f"{i}0000000-0000-4000-8000-000000000000", time=1000.0 + i).begin()
            call = story.call("f", "result")
            for number in (1, 2):
                story.job(number, call)
                expected.insert(0, (story.execution_id, number))
            backend.record(story.take())
        assert [row[:2] for row in backend.jobs_of_call(call.call_hash)] == expected
        assert [row[:2] for row in backend.jobs_of_task(story.task_hash, limit=3)] == expected[:3]
        assert backend.jobs_of_call(hash_of("unknown")) == backend.jobs_of_task(hash_of("unknown")) == []

    @pytest.mark.parametrize("size", [0, 100])
    def test_producers_and_consumers_of_a_value(self, backend: Backend, story: Story, size: int) -> None:
        """Directly, and through containers that hold it."""
        name = "value".ljust(size, ".")
        story.value("container", size=200, children=[name])
        direct = story.call("makes", name)
        boxed = story.call("makes a container", "container")
        takes = story.call("takes", "other", arguments=["more", name])
        takes_boxed = story.call("takes a container", "other", arguments=["container"])
        story.call("has nothing to do with it", "other", arguments=["more"])
        backend.record(story.take())
        assert set(backend.calls_with_result(hash_of(name))) == {direct, boxed}
        assert set(backend.calls_with_argument(hash_of(name))) == {takes, takes_boxed}
        assert len(backend.calls_with_argument(hash_of(name), limit=1)) == 1
        assert backend.calls_with_result(hash_of("unknown")) == backend.calls_with_argument(hash_of("unknown")) == []

    def test_tasks_are_found_by_hash_and_name(self, backend: Backend) -> None:
        """Newest version first; a name without namespace finds it in all."""
        versions = [
            TaskRecord(hash_of("t1"), "f", "a.b", None, "one"),
            TaskRecord(hash_of("t2"), "f", "a.b", "2", "two"),
            TaskRecord(hash_of("t3"), "f", "", None, "three"),
        ]
        backend.record(RecordBatch(tasks=versions))
        assert backend.tasks_named("a.b.f") == [versions[1], versions[0]]
        assert backend.tasks_named("f") == versions[::-1]
        assert backend.tasks_named("f", limit=1) == versions[2:]
        assert backend.tasks_named("b.f") == []
        assert backend.task(hash_of("t2")) == versions[1]
        assert backend.task(hash_of("unknown")) is None

    def test_the_states_of_a_file_come_newest_first(self, backend: Backend, story: Story) -> None:
        """By the exact path."""
        story.value("one", path="data/in.csv")
        backend.record(story.take())
        story.value("two", path="data/in.csv")
        story.value("three", path="data/in.csv.bak")
        backend.record(story.take())
        rows = [FileRow("data/in.csv", hash_of(name), "suite.Value") for name in ("two", "one")]
        assert backend.files("data/in.csv") == rows
        assert backend.files("data/in.csv", limit=1) == rows[:1]
        assert backend.files("data") == []

    def test_tags_come_back_once_each(self, backend: Backend) -> None:
        """Several values for one key are fine; the same one twice is one."""
        values = [{"b": 1, "a": [None, True, "ü"]}, "text", 1, 1.5, None]
        tags = [TagRecord(EntityKind.JOB, "x.1", "key", value) for value in values]
        other = TagRecord(EntityKind.EXECUTION, "x.1", "key", "text")
        backend.record(RecordBatch(tags=[*tags, tags[0], other]))
        backend.record(RecordBatch(tags=tags[1:3]))
        assert backend.tags(EntityKind.JOB, ["x.1", "unknown"]) == {"x.1": tags}
        assert backend.tags(EntityKind.EXECUTION, iter(["x.1"])) == {"x.1": [other]}

    def test_an_id_is_found_by_its_first_characters(self, backend: Backend, story: Story) -> None:
        """Executions, calls, tasks and values, wherever a value is kept."""
        call = story.call("f", "result", arguments=["small", "large ".ljust(100, ".")])
        story.value("alone")
        backend.record(story.take())
        hashes = [call.value_hash, *(argument.value_hash for argument in call.arguments), hash_of("alone")]
        expected = [EntityRef(EntityKind.VALUE, value_hash.hex()) for value_hash in hashes]
        expected.append(EntityRef(EntityKind.CALL, call.call_hash.hex()))
        expected.append(EntityRef(EntityKind.TASK, story.task_hash.hex()))
        expected.append(EntityRef(EntityKind.EXECUTION, story.execution_id))
        for ref in expected:
            for length in (7, 8, 25, 40):
                assert backend.find_ids(ref.id[:length]) == [ref]
            assert ref in backend.find_ids(ref.id[:1].upper(), limit=100)
        assert backend.find_ids("nothing") == []
        assert len(backend.find_ids("", limit=3)) == 3

    def test_what_is_unknown_has_no_answer(self, backend: Backend, story: Story) -> None:
        """And is no error, in an empty store and in one with something in it."""
        nobody = hash_of("nobody")
        unknown = "99999999-9999-4999-8999-999999999999"
        for _ in range(2):
            jobs = [backend.job(unknown, 1), backend.job(story.execution_id, 77)]
            ones: list[object] = [*jobs, backend.execution(unknown), backend.call(nobody), backend.task(nobody)]
            assert ones == [None] * 5
            lists: list[list[Any]] = [
                backend.jobs(unknown),
                backend.jobs(story.execution_id, parent=77),
                backend.task_counts(unknown),
                backend.jobs_of_call(nobody),
                backend.jobs_of_task(nobody),
                backend.calls_with_result(nobody),
                backend.calls_with_argument(nobody),
                backend.tasks_named("nobody"),
                backend.tasks_named("no.body"),
                backend.files("/nowhere"),
            ]
            assert lists == [[]] * 10
            assert not backend.calls([nobody])
            assert not backend.find_calls([nobody], b"")
            assert not backend.tags(EntityKind.CALL, [nobody.hex()])
            assert backend.find_ids("zz") == []
            story.job(1, story.call("f", "result"))
            backend.record(story.take())

    def test_pages_end_where_there_is_no_more(self, backend: Backend, story: Story) -> None:
        """And a page of nothing is empty."""
        for number in range(1, 8):
            story.job(number)
        backend.record(story.take())
        assert [job.number for job in backend.jobs(story.execution_id, after=6, limit=10)] == [7]
        assert backend.jobs(story.execution_id, after=7) == backend.jobs(story.execution_id, limit=0) == []
        assert backend.executions(limit=5, skip=1) == backend.executions(limit=0) == []

    def test_a_large_execution_is_read_in_pages(self, backend: Backend, story: Story) -> None:
        """Each job once, in order."""
        call = story.call("f", "result")
        for number in range(1, 2 * MANY + 1):
            story.job(number, call, parent=None if number == 1 else 1)
        backend.record(story.take())
        seen: list[int] = []
        while page := backend.jobs(story.execution_id, after=seen[-1] if seen else 0):
            seen.extend(job.number for job in page)
        assert seen == list(range(1, 2 * MANY + 1))
        row = backend.job(story.execution_id, 1)
        assert row is not None
        assert row.child_count == 2 * MANY - 1

    def test_a_job_may_have_any_number_and_attempt(self, backend: Backend, story: Story) -> None:
        """A run may have billions of jobs, and a job many attempts."""
        job = story.job((1 << 33) + 1, story.call("f", "result"))._replace(attempt=17, executor="another")
        story.batch.jobs[:] = [job]
        backend.record(story.take())
        row = backend.job(story.execution_id, job.number)
        assert row is not None
        assert (row.attempt, row.executor, row.number) == (17, "another", job.number)

    def test_executions_do_not_mix(self, backend: Backend) -> None:
        """Jobs of the same number, task and call belong to the execution that made them."""
        stories = [Story(f"{i}0000000-0000-4000-8000-000000000000", time=1000.0 + i).begin() for i in range(2)]
        for status, story in zip((Status.DONE, Status.CACHED), stories, strict=True):
            story.job(1, story.call("f", "result"), status=status)
            backend.record(story.take())
        for status, story in zip((Status.DONE, Status.CACHED), stories, strict=True):
            assert [job.status for job in backend.jobs(story.execution_id)] == [status]
            assert backend.task_counts(story.execution_id) == [TaskCount("suite.work", status, 1)]

    def test_a_call_may_have_any_number_of_arguments_and_children(self, backend: Backend, story: Story) -> None:
        """In their order."""
        children = [story.call(f"child {number}", "inner").call_hash for number in range(MANY)]
        call = story.call("f", "result", arguments=[f"argument {number}" for number in range(200)], children=children)
        backend.record(story.take())
        assert backend.call(call.call_hash) == call

    def test_tags_belong_to_one_kind_of_thing(self, backend: Backend, story: Story) -> None:
        """The same id may name things of two kinds."""
        story.batch.tags.extend(TagRecord(kind, "same", "kind", kind.name) for kind in EntityKind)
        backend.record(story.take())
        for kind in EntityKind:
            assert [tag.value for tag in backend.tags(kind, ["same"])["same"]] == [kind.name]
