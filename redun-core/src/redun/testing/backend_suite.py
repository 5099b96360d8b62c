"""The promises of the backend interface, as tests that any backend can run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from redun.backends.records import EntityKind, EntityRef, FileRow, RecordBatch, Status, TagRecord, TaskCount, TaskRecord
from redun.errors import BackendError
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend

MANY = 1200
"""More than any backend asks its store for in one statement."""


class BackendSuite:
    """Subclass it and override the fixture `backend`: it yields an empty, loaded backend and closes it afterwards."""

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        """An empty backend, loaded."""
        raise NotImplementedError("override the fixture `backend`")

    @pytest.fixture
    def story(self) -> Story:
        """Makes the records."""
        return Story().begin()

    # -- recording ----------------------------------------------------------------------------------------------------

    def test_the_same_batch_twice_changes_nothing(self, backend: Backend, story: Story) -> None:
        """A batch whose commit was in doubt can be written again."""
        story.evaluation("open", "expression")
        call = story.call("f", "result", arguments=["argument", "long argument"])
        story.value("container", children=["inside"], path="file.txt")
        story.job(1)
        story.job(2, call, parent=1)
        story.batch.tags.append(TagRecord(EntityKind.VALUE, "00", "key", {"b": 1, "a": [None]}))
        batch = story.take()
        backend.record(batch)
        before = answers(backend, story)
        backend.record(batch)
        assert answers(backend, story) == before

    def test_a_refused_batch_leaves_nothing_behind(self, backend: Backend, story: Story) -> None:
        """All of a batch is kept, or nothing."""
        backend.record(story.take())
        call = story.call("f", "result", arguments=["argument"])
        story.job(1, call)
        story.job(2, call._replace(call_hash=hash_of("never recorded")))
        with pytest.raises(BackendError, match="never recorded"):
            backend.record(story.take())
        assert backend.find_evaluations([call.eval_hash]) == {}
        assert backend.load_values([hash_of("result"), hash_of("argument")]) == {}
        assert backend.jobs(story.execution_id) == []
        assert backend.task_counts(story.execution_id) == []
        assert backend.call(call.call_hash) is None

    def test_a_refused_batch_can_be_written_when_it_is_put_right(self, backend: Backend, story: Story) -> None:
        """Nothing that a failed transaction knew is believed afterwards."""
        call = story.call("f", "result", arguments=["argument"])
        story.job(1, call)
        batch = story.take()
        task, batch.tasks = batch.tasks, []
        with pytest.raises(BackendError, match="never recorded"):
            backend.record(batch)
        batch.tasks = task
        backend.record(batch)
        assert backend.call(call.call_hash) == call
        assert backend.load_values([hash_of("argument")])[hash_of("argument")].data == b"argument"

    @pytest.mark.parametrize("missing", ["tasks", "task_sets", "executions"])
    def test_a_record_that_names_something_unknown_is_refused(
        self, backend: Backend, story: Story, missing: str
    ) -> None:
        """Nothing dangles."""
        story.job(1, story.call("f", "result"))
        batch = story.take()
        setattr(batch, missing, [])
        with pytest.raises(BackendError, match="never recorded"):
            backend.record(batch)

    def test_an_empty_batch_is_fine(self, backend: Backend) -> None:
        """There is nothing to do."""
        backend.record(RecordBatch())

    def test_a_value_larger_than_the_limit_is_refused(self, backend: Backend, story: Story) -> None:
        """The message names the size and the limit."""
        backend.max_value_size = 10
        story.value("v", size=11)
        with pytest.raises(BackendError, match=r"11 bytes.*max_value_size.*10"):
            backend.record(story.take())

    def test_loading_it_again_for_a_run_or_for_questions_changes_nothing(self, backend: Backend, story: Story) -> None:
        """Whoever is given a backend may make sure that it is loaded."""
        backend.record(story.take())
        backend.load()
        backend.load_for_questions()
        assert backend.executions(limit=2) == [story.execution()]

    def test_threads_may_use_it_at_once(self, backend: Backend, story: Story) -> None:
        """Two runs may share one backend."""
        backend.record(story.take())
        errors: list[BaseException] = []

        def write(thread: int) -> None:
            own = Story()
            try:
                for batch in range(10):
                    numbers = range(1000 * thread + 10 * batch, 1000 * thread + 10 * batch + 10)
                    for number in numbers:
                        own.job(number + 1, own.call(f"f{number}", f"result {number}"))
                    backend.record(own.take())
                    hashes = [hash_of(f"eval f{number}") for number in numbers]
                    assert len(backend.find_evaluations(hashes)) == len(hashes)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert errors == []
        assert backend.task_counts(story.execution_id) == [TaskCount("suite.work", Status.DONE, 400)]

    # -- evaluations --------------------------------------------------------------------------------------------------

    def test_an_evaluation_is_found_while_its_calls_are_open(self, backend: Backend, story: Story) -> None:
        """A run that was cut off is continued from here."""
        eval_hash = story.evaluation("f", "expression")
        backend.record(story.take())
        hit = backend.find_evaluations([eval_hash])[eval_hash]
        assert (hit.raw_hash, hit.call_hash) == (hash_of("expression"), None)
        assert backend.find_calls([eval_hash], b"") == {}
        assert backend.load_values([hit.raw_hash])[hit.raw_hash].data == b"expression"

    def test_a_completed_call_completes_its_evaluation(self, backend: Backend, story: Story) -> None:
        """Whether it comes later or in the same batch."""
        eval_hash = story.evaluation("f", "expression")
        backend.record(story.take())
        call = story.call("f", "result", raw="expression", time=1001.0)
        other_hash = story.evaluation("g", "another expression")
        other = story.call("g", "result", raw="another expression", time=1001.0)
        backend.record(story.take())
        hits = backend.find_evaluations([eval_hash, other_hash])
        assert hits[eval_hash][::2] == (hash_of("expression"), call.call_hash)
        assert hits[other_hash][::2] == (hash_of("another expression"), other.call_hash)
        hit = backend.find_calls([eval_hash], b"")[eval_hash]
        assert (hit.call_hash, hit.value_hash, hit.raw_hash) == (call.call_hash, hash_of("result"), call.raw_hash)
        assert hit.task_set_hash == story.task_set_hash

    def test_the_newest_evaluation_wins(self, backend: Backend, story: Story) -> None:
        """And the calls of older ones are still found by their hash."""
        first = story.call("f", "first", time=1000.0)
        backend.record(story.take())
        second = story.call("f", "second", time=1001.0)
        backend.record(story.take())
        assert backend.find_evaluations([first.eval_hash])[first.eval_hash].raw_hash == hash_of("second")
        assert backend.find_calls([first.eval_hash], b"")[first.eval_hash].call_hash == second.call_hash
        assert backend.call(first.call_hash) == first

        story.evaluation("f", "third", time=1002.0)
        backend.record(story.take())
        assert backend.find_evaluations([first.eval_hash])[first.eval_hash][::2] == (hash_of("third"), None)
        assert backend.find_calls([first.eval_hash], b"")[first.eval_hash].call_hash == second.call_hash

    def test_an_earlier_result_that_comes_again_is_the_newest(self, backend: Backend, story: Story) -> None:
        """A file that changed back, say."""
        first = story.call("f", "first", time=1000.0)
        story.call("f", "second", time=1001.0)
        backend.record(story.take())
        story.call("f", "first", time=1002.0)
        backend.record(story.take())
        assert backend.find_evaluations([first.eval_hash])[first.eval_hash].raw_hash == hash_of("first")
        assert backend.find_calls([first.eval_hash], b"")[first.eval_hash].value_hash == hash_of("first")

    def test_what_raised_is_not_found_again(self, backend: Backend, story: Story) -> None:
        """A failed call is kept, and never reused; where its body had returned, that still is."""
        raised = story.call("f", "error", is_error=True)
        failed_below = story.call("g", "error", raw="expression", is_error=True)
        backend.record(story.take())
        hashes = [raised.eval_hash, failed_below.eval_hash]
        assert backend.find_calls(hashes, b"") == {}
        assert list(backend.find_evaluations(hashes)) == [failed_below.eval_hash]
        assert backend.call(raised.call_hash) == raised
        assert backend.call(failed_below.call_hash) == failed_below

    def test_a_call_is_found_only_under_its_context(self, backend: Backend, story: Story) -> None:
        """An empty context is one of its own."""
        without = story.call("f", "plain")
        within = story.call("f", "special", context=hash_of("context"))
        backend.record(story.take())
        eval_hash = without.eval_hash
        assert backend.find_calls([eval_hash], b"")[eval_hash].call_hash == without.call_hash
        assert backend.find_calls([eval_hash], hash_of("context"))[eval_hash].call_hash == within.call_hash
        assert backend.find_calls([eval_hash], hash_of("another context")) == {}

    # -- look-ups of any size -----------------------------------------------------------------------------------------

    def test_look_ups_take_any_number_of_hashes(self, backend: Backend, story: Story) -> None:
        """Known and unknown ones, and the same one twice."""
        calls = [
            story.call(f"f{i}", f"result {i}".ljust(100 * (i % 2), "."), arguments=[f"argument {i}"])
            for i in range(MANY)
        ]
        backend.record(story.take())
        unknown = [hash_of(f"unknown {i}") for i in range(MANY)]
        asked = [call.eval_hash for call in calls] + unknown + [calls[0].eval_hash]
        evaluations = backend.find_evaluations(asked)
        assert {key: hit.raw_hash for key, hit in evaluations.items()} == {c.eval_hash: c.raw_hash for c in calls}
        assert len(backend.find_calls(asked, b"")) == MANY
        values = backend.load_values([call.value_hash for call in calls] + unknown)
        assert len(values) == MANY
        for call in calls:
            inline = evaluations[call.eval_hash].value
            assert inline is None or inline == values[call.value_hash]
        arguments = backend.load_values([call.arguments[0].value_hash for call in calls])
        assert sorted(value.data for value in arguments.values()) == sorted(b"argument %d" % i for i in range(MANY))
        assert not backend.find_evaluations([])
        assert not backend.load_values([])
        assert not backend.load_task_sets([])

    @pytest.mark.parametrize("size", [0, 63, 64, 65, 100_000])
    def test_a_value_comes_back_as_it_was(self, backend: Backend, story: Story, size: int) -> None:
        """Whatever its size, and whatever refers to it."""
        story.value("alone", size=size)
        backend.record(story.take())
        stored = backend.load_values([hash_of("alone")])[hash_of("alone")]
        assert stored == (hash_of("alone"), "suite.Value", "plain", b"alone".ljust(size, b"."))

    def test_a_missing_value_is_left_out_with_a_warning(
        self, backend: Backend, story: Story, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is a cache miss, never a crash."""
        story.value("there")
        backend.record(story.take())
        caplog.clear()
        assert list(backend.load_values([hash_of("there"), hash_of("gone")])) == [hash_of("there")]
        assert len(caplog.records) == 1
        assert hash_of("gone").hex() in caplog.text

    def test_task_sets_come_back(self, backend: Backend, story: Story) -> None:
        """By hash; unknown ones are left out."""
        backend.record(story.take())
        found = backend.load_task_sets([story.task_set_hash, hash_of("unknown")])
        assert found == {story.task_set_hash: frozenset([story.task_hash])}

    # -- executions and jobs ------------------------------------------------------------------------------------------

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
        row = backend.job(story.execution_id, 2)
        assert row is not None
        assert row.status is Status.FAILED

    # -- provenance ---------------------------------------------------------------------------------------------------

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


def answers(backend: Backend, story: Story) -> list[object]:
    """What a backend says about everything that a story told."""
    eval_hashes = [hash_of("eval f"), hash_of("eval open")]
    names = ["result", "argument", "long argument", "container", "expression"]
    return [
        backend.find_evaluations(eval_hashes),
        backend.find_calls(eval_hashes, b""),
        backend.load_values([hash_of(name) for name in names]),
        backend.load_task_sets([story.task_set_hash]),
        backend.executions(limit=10),
        backend.task_counts(story.execution_id),
        backend.jobs(story.execution_id),
        backend.call(hash_of("call f result")),
        backend.jobs_of_call(hash_of("call f result")),
        backend.calls_with_result(hash_of("result")),
        backend.calls_with_argument(hash_of("argument")),
        backend.tasks_named("work"),
        backend.files("file.txt"),
        backend.tags(EntityKind.VALUE, ["00"]),
        backend.find_ids("", limit=100),
    ]
