"""Recording: a batch is written as a whole or not at all, any number of times, from any thread."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING

import pytest

from redun.backends.records import EntityKind, RecordBatch, Status, TagRecord, TaskCount
from redun.errors import BackendError
from redun.testing.backend_fixtures import BackendFixtures
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from redun.backends.base import Backend


class Recording(BackendFixtures):
    """What `record` promises."""

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

    def test_a_value_as_large_as_the_limit_is_kept_and_a_refused_one_leaves_nothing(
        self, backend: Backend, story: Story
    ) -> None:
        """The limit is what is allowed."""
        backend.record(story.take())
        backend.max_value_size = 10
        fits = story.value("fits", size=10)
        backend.record(story.take())
        also_fits = story.value("also fits", size=10)
        too_large = story.value("too large", size=11)
        story.job(1)
        with pytest.raises(BackendError):
            backend.record(story.take())
        assert list(backend.load_values([fits, also_fits, too_large])) == [fits]
        assert backend.jobs(story.execution_id) == []

    def test_a_job_of_an_unknown_call_is_refused(self, backend: Backend, story: Story) -> None:
        """The call must be in the batch or known."""
        call = story.call("f", "result")
        story.job(1, call)
        batch = story.take()
        calls, batch.calls = batch.calls, []
        with pytest.raises(BackendError, match="never recorded"):
            backend.record(batch)
        batch.calls = calls
        backend.record(batch)
        story.job(2, call)
        backend.record(story.take())
        assert len(backend.jobs_of_call(call.call_hash)) == 2

    def test_order_within_a_batch_does_not_matter(self, backend: Backend, story: Story) -> None:
        """A job may stand before its parent, and what is named after what names it."""
        call = story.call("f", "result", children=[hash_of("call child inner")])
        story.call("child", "inner")
        story.job(3, call, parent=2)
        story.job(2, call, parent=1)
        story.job(1, call)
        backend.record(story.take())
        assert [(job.number, job.parent, job.child_count) for job in backend.jobs(story.execution_id)] == [
            (1, None, 1),
            (2, 1, 1),
            (3, 2, 0),
        ]
        assert [job.number for job in backend.jobs(story.execution_id, parent=1)] == [2]

    def test_an_end_and_a_beginning_in_one_batch_are_an_end(self, backend: Backend, story: Story) -> None:
        """In either order."""
        call = story.call("f", "result")
        story.job(1, call)
        story.job(1)
        story.job(2)
        story.job(2, call)
        backend.record(story.take())
        assert [job.status for job in backend.jobs(story.execution_id)] == [Status.DONE, Status.DONE]
        assert backend.task_counts(story.execution_id) == [TaskCount("suite.work", Status.DONE, 2)]

    def test_a_batch_is_not_kept(self, backend: Backend, story: Story) -> None:
        """Whoever wrote it may use its lists again."""
        story.job(1, story.call("f", "result"))
        story.batch.tags.append(TagRecord(EntityKind.VALUE, "00", "key", 1))
        batch = story.take()
        backend.record(batch)
        before = copy.deepcopy(answers(backend, story))
        for records in (batch.jobs, batch.calls, batch.values, batch.tags, batch.executions, batch.task_sets):
            records.clear()
        assert answers(backend, story) == before

    def test_answers_belong_to_who_asked(self, backend: Backend, story: Story) -> None:
        """Changing one changes nothing in the store."""
        call = story.call("f", "result", arguments=["argument"])
        story.job(1, call)
        story.batch.tags.append(TagRecord(EntityKind.VALUE, "00", "key", 1))
        backend.record(story.take())
        before = copy.deepcopy(answers(backend, story))
        backend.executions(limit=5).clear()
        backend.jobs(story.execution_id).clear()
        backend.load_values([hash_of("result")]).clear()
        backend.find_evaluations([call.eval_hash]).clear()
        for tags in backend.tags(EntityKind.VALUE, ["00"]).values():
            tags.clear()
        assert answers(backend, story) == before

    def test_unusual_text_comes_back_as_it_was(self, backend: Backend, story: Story) -> None:
        """Names, paths and words of the command line hold what people and systems put into them."""
        odd = "Grüße \N{GRINNING FACE} 'quoted' \"twice\" % ? \n\t\\"
        execution = story.execution()._replace(args=("redun", odd, ""), scheduler_id=odd)
        call = story.call("f", "result")
        job = story.job(1, call)._replace(executor=odd)
        value_hash = story.value(odd, path=odd)
        batch = story.take()
        batch.executions, batch.jobs = [execution], [job]
        batch.tags.append(TagRecord(EntityKind.JOB, odd, odd, {odd: odd}))
        backend.record(batch)
        assert backend.execution(execution.id) == execution
        row = backend.job(execution.id, 1)
        assert row is not None
        assert row.executor == odd
        assert [file.value_hash for file in backend.files(odd)] == [value_hash]
        assert backend.tags(EntityKind.JOB, [odd])[odd][0].value == {odd: odd}

    def test_names_with_bytes_that_are_no_text_come_back_as_they_were(self, backend: Backend, story: Story) -> None:
        """A command line and a path may hold any bytes: Python shows them as lone surrogates."""
        odd = b"caf\xe9".decode(errors="surrogateescape")
        execution = story.execution()._replace(args=("redun", odd))
        value_hash = story.value("data", path=f"data/{odd}")
        batch = story.take()
        batch.executions = [execution]
        backend.record(batch)
        assert backend.execution(execution.id) == execution
        assert [file.value_hash for file in backend.files(f"data/{odd}")] == [value_hash]

    def test_times_keep_their_microseconds(self, backend: Backend, story: Story) -> None:
        """So that they sort as things happened."""
        moment = 1_700_000_000.123456
        story.time = moment
        batch = story.begin().take()
        backend.record(batch)
        found = backend.execution(story.execution_id)
        assert found is not None
        assert abs(found.start_time - moment) < 2e-6


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
