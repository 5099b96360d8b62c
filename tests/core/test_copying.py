"""Collecting records for another repository: portions, races with a run, and what a message says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from redun.backends import collecting, value_copies
from redun.backends.base import Backend
from redun.backends.copying import collect_records, copy_records
from redun.backends.memory import MemoryBackend
from redun.backends.parts import Synchronized
from redun.backends.positions import Positions, pages_of
from redun.backends.records import EntityKind, JobRecord, RecordBatch, Status, TagRecord
from redun.errors import BackendError
from redun.testing.backend_records import Story, hash_of


def filled(jobs: int) -> tuple[MemoryBackend, Story]:
    story = Story().begin()
    for i in range(jobs):
        story.job(i + 1, story.call(f"f{i}", f"result {i}"), parent=1 if i else None)
    batch = story.take()
    batch.executions = [story.execution(Status.DONE, 1500.0)]
    backend = MemoryBackend()
    backend.record(batch)
    return backend, story


def test_an_execution_in_several_batches_runs_until_the_last_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(collecting, "JOBS", 10)
    source, story = filled(35)
    target = MemoryBackend()
    batches = list(collect_records(source))
    for batch in batches:
        found = target.execution(story.execution_id)
        assert found is None or found.status is Status.RUNNING
        target.record(batch)
    assert sum(bool(batch.jobs) for batch in batches) == 4
    assert target.execution(story.execution_id) == story.execution(Status.DONE, 1500.0)
    assert target.jobs(story.execution_id) == source.jobs(story.execution_id)


@pytest.mark.parametrize("missing", [1, 2])
def test_after_an_interruption_jobs_that_have_arrived_are_not_sent_again(monkeypatch: pytest.MonkeyPatch, missing: int):
    """Also where only the end of the execution is missing, which says nothing but that it has ended."""
    monkeypatch.setattr(collecting, "JOBS", 10)
    source, story = filled(35)
    target = MemoryBackend()
    for batch in list(collect_records(source))[:-missing]:
        target.record(batch)
    arrived = len(target.jobs(story.execution_id))
    assert arrived == (35 if missing == 1 else 30)
    counts = copy_records(source, target)
    assert (counts["jobs"], counts["executions"], counts["calls"]) == (35 - arrived, 1, 0)
    assert target.execution(story.execution_id) == source.execution(story.execution_id)


def test_jobs_that_were_added_after_the_end_are_copied():
    """By a scheduler that extends an execution which is over."""
    source, story = filled(3)
    target = MemoryBackend()
    copy_records(source, target)
    story.job(1_000_000_001, story.call("more", "more"))
    source.record(story.take())
    assert copy_records(source, target)["jobs"] == 1
    assert target.jobs(story.execution_id) == source.jobs(story.execution_id)


def test_a_tag_of_something_that_is_not_there_is_not_sent():
    """It comes with what it belongs to."""
    source, story = filled(2)
    other = Story("22222222-2222-4222-8222-222222222222", time=2000.0).begin(Status.DONE, 2001.0)
    other.job(1, other.call("g", "g"))
    for kind, entity_id in [(EntityKind.EXECUTION, other.execution_id), (EntityKind.JOB, f"{other.execution_id}.1")]:
        other.batch.tags.append(TagRecord(kind, entity_id, "key", 1))
    other.batch.tags.append(TagRecord(EntityKind.VALUE, hash_of("g").hex(), "key", 1))
    other.batch.tags.append(TagRecord(EntityKind.CALL, hash_of("call g g").hex(), "key", 1))
    source.record(other.take())
    target = MemoryBackend()
    assert copy_records(source, target, [story.execution_id])["tags"] == 0
    assert target.tags_since(0) == []
    assert copy_records(source, target)["tags"] == 4


def test_small_executions_share_a_batch():
    source = MemoryBackend()
    for i in range(50):
        story = Story(f"{i:08}-1111-4111-8111-111111111111", time=1000.0 + i).begin(Status.DONE, 2000.0)
        story.job(1, story.call(f"f{i}", "result"))
        source.record(story.take())
    batches = list(collect_records(source))
    assert len(batches) == 2
    assert len(batches[-1].executions) == 50


def test_large_values_come_in_portions_and_after_those_inside_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(value_copies, "MOST_BYTES", 5000)
    story = Story().begin()
    for i in range(20):
        story.value(f"value {i}", size=1000, children=[f"value {i + 1}"] if i < 19 else [])
    call = story.call("f", "value 0")
    story.batch.values = [value for value in story.batch.values if value.children or value.hash == hash_of("value 19")]
    story.job(1, call)
    source = MemoryBackend()
    source.record(story.take())
    arrived: set[bytes] = set()
    batches = list(collect_records(source))
    for batch in batches:
        assert sum(len(value.data) for value in batch.values) <= 5000
        arrived |= {value.hash for value in batch.values}
        assert all(child in arrived for value in batch.values for child in value.children)
        assert not batch.calls or len(arrived) == 20
    assert sum(bool(batch.values) for batch in batches) == 4


class RunsOn(MemoryBackend):
    """A repository in which a run goes on while it is copied: after the jobs were read for the first time."""

    story: Story

    def call_links(self, positions: Sequence[int]):
        if self.story is not None:
            story, self.story = self.story, None  # type: ignore[assignment]
            call = story.call("late", "late result")
            story.job(2, call)
            story.job(3, call)
            batch = story.take()
            batch.executions = [story.execution(Status.DONE, 1500.0)]
            self.record(batch)
        return super().call_links(positions)


def test_what_ends_during_a_copy_still_runs_in_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(collecting, "JOBS", 1)  # so that jobs are read twice
    story = Story().begin()
    story.job(1, story.call("f", "result"))
    story.job(2)
    source, target = RunsOn(), MemoryBackend()
    source.story = story
    source.record(story.take())
    copy_records(source, target)
    assert [(job.number, job.status) for job in target.jobs(story.execution_id)] == [
        (1, Status.DONE),
        (2, Status.RUNNING),
        (3, Status.RUNNING),
    ]
    found = target.execution(story.execution_id)
    assert found is not None
    assert found.status is Status.RUNNING
    copy_records(source, target)
    assert target.jobs(story.execution_id) == source.jobs(story.execution_id)
    assert target.execution(story.execution_id) == source.execution(story.execution_id)


class Shrinks(MemoryBackend):
    """A repository of which something is removed while it is copied."""

    def call_links(self, positions: Sequence[int]):
        return super().call_links(positions)[1:]


def test_what_is_removed_during_a_copy_ends_it():
    source, target = Shrinks(), MemoryBackend()
    story = Story().begin()
    story.job(1, story.call("f", "result"))
    source.record(story.take())
    with pytest.raises(BackendError, match="something was removed"):
        copy_records(source, target)


class OldBackend(MemoryBackend):
    """Written before there were copies."""

    execution_states = Synchronized.execution_states


@pytest.mark.parametrize("pair", [(OldBackend, MemoryBackend), (MemoryBackend, OldBackend)])
def test_a_backend_that_knows_nothing_of_copies_is_named(pair: tuple[type[Backend], type[Backend]]):
    source, target = (cls() for cls in pair)
    with pytest.raises(BackendError, match="OldBackend does not support copies"):
        copy_records(source, target)


def test_a_job_that_has_ended_there_is_not_sent(monkeypatch: pytest.MonkeyPatch):
    """Two copies at once: the other one was faster."""
    source, story = filled(5)
    target = MemoryBackend()
    batches = list(collect_records(source))
    for batch in batches:
        target.record(batch)
    record: JobRecord = batches[-1].jobs[0]
    target.record(RecordBatch(executions=[story.execution()._replace(updated_time=2000.0)]))
    assert target.ended_jobs(story.execution_id, [1, 99]) == {record.number}


def test_positions_are_a_set_in_order():
    positions = Positions()
    numbers = [9_000_000_000, 0, 4095, 4096, 7, 8]
    assert [positions.add(number) for number in [*numbers, 7]] == [True] * 6 + [False]
    assert list(positions) == sorted(numbers)
    assert 4096 in positions
    assert 4097 not in positions
    assert 123_456_789 not in positions


def test_no_page_ends_within_a_span():
    pages = list(pages_of(range(1, 21), [(2, 9), (8, 12), (19, 20)], 4))
    assert pages == [list(range(1, 13)), [13, 14, 15, 16], [17, 18, 19, 20]]
    assert list(pages_of([], [], 4)) == []
    assert list(pages_of([3, 5], [(1, 4)], 1)) == [[3, 5]]
