"""One store and several who use it: at once, and one after the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from redun.backends.records import RecordBatch, Status, TaskCount
from redun.testing.backend_fixtures import BackendFixtures
from redun.testing.backend_recording import answers
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from redun.backends.base import Backend

ROUNDS = 15


class Stores(BackendFixtures):
    """Durability, and two backends on one store."""

    def test_closing_twice_is_fine(self, backend: Backend) -> None:
        """Whoever is given a backend may make sure that it is closed."""
        backend.close()
        backend.close()

    def test_what_is_recorded_outlives_the_backend(
        self, backend: Backend, story: Story, request: pytest.FixtureRequest
    ) -> None:
        """Another one on the same store gives the same answers."""
        if not backend.is_durable:
            pytest.skip("this backend forgets everything")
        story.evaluation("open", "expression")
        call = story.call("f", "result", arguments=["argument", "long argument".ljust(200, ".")])
        story.value("container", children=["inside"], path="file.txt")
        story.job(1)
        story.job(2, call, parent=1)
        backend.record(story.take())
        before = answers(backend, story)
        backend.close()
        second: Backend = request.getfixturevalue("second")
        assert answers(second, story) == before

    def test_one_sees_at_once_what_the_other_has_recorded(
        self, backend: Backend, second: Backend, story: Story
    ) -> None:
        """A look-up sees everything that an earlier `record` wrote, whoever wrote it."""
        backend.record(story.take())
        for number in range(ROUNDS):
            writer, reader = (backend, second) if number % 2 else (second, backend)
            call = story.call(f"f{number}", f"result {number}", arguments=["shared".ljust(100, ".")])
            story.job(number + 1, call)
            writer.record(story.take())
            hit = reader.find_evaluations([call.eval_hash])[call.eval_hash]
            assert (hit.raw_hash, hit.call_hash) == (call.raw_hash, call.call_hash)
            assert reader.find_calls([call.eval_hash], b"")[call.eval_hash][0].call_hash == call.call_hash
            assert reader.load_values([call.value_hash])[call.value_hash].data == f"result {number}".encode()
            assert len(reader.jobs(story.execution_id)) == number + 1

    def test_both_may_record_the_same_things(self, backend: Backend, second: Backend, story: Story) -> None:
        """Two runs of one workflow make the same tasks, calls and values."""
        call = story.call("f", "result", arguments=["argument", "long argument".ljust(200, ".")])
        batch = story.take()
        other = Story("22222222-2222-4222-8222-222222222222", time=2000.0).begin()
        other.call("f", "result", arguments=["argument", "long argument".ljust(200, ".")], time=1000.0)
        other.job(1, call)
        backend.record(batch)
        second.record(other.take())
        backend.record(batch)
        assert backend.call(call.call_hash) == second.call(call.call_hash) == call
        assert len(backend.jobs_of_call(call.call_hash)) == 1
        assert len(backend.executions(limit=5)) == 2

    def test_both_may_record_at_the_same_time(self, backend: Backend, second: Backend, story: Story) -> None:
        """Neither loses a record, and neither gives up because the other is busy."""
        backend.record(story.take())
        errors: list[BaseException] = []

        def write(writer: Backend, first: int) -> None:
            own = Story()
            try:
                for number in range(first, first + 20 * ROUNDS, 20):
                    for job in range(number, number + 20):
                        own.job(job + 1, own.call(f"f{job % 50}", f"result {job % 50}"))
                    writer.record(own.take())
                    hashes = [hash_of(f"eval f{job % 50}") for job in range(number, number + 20)]
                    assert len(writer.find_evaluations(hashes)) == len(set(hashes))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=pair) for pair in [(backend, 0), (second, 1000), (second, 2000)]]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert errors == []
        count = [TaskCount("suite.work", Status.DONE, 3 * 20 * ROUNDS)]
        assert backend.task_counts(story.execution_id) == second.task_counts(story.execution_id) == count

    def test_the_end_that_one_records_is_not_taken_back_by_the_other(
        self, backend: Backend, second: Backend, story: Story
    ) -> None:
        """Whoever comes late with the beginning."""
        running = story.job(1)
        backend.record(story.take())
        story.job(1, story.call("f", "result"))
        second.record(story.take())
        backend.record(RecordBatch(jobs=[running]))
        row = backend.job(story.execution_id, 1)
        assert row is not None
        assert row.status is Status.DONE
