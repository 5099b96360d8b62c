"""Executions that went on in two repositories: what fits together is merged, what does not stays apart."""

from __future__ import annotations

import pytest
from redun.backends import split_executions
from redun.backends.copying import copy_records
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind, Status, TagRecord
from redun.backends.split_executions import SplitExecutionError
from redun.testing.backend_records import Story

OTHER = "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def both() -> tuple[MemoryBackend, MemoryBackend, Story]:
    """Two repositories that have the same execution, of three jobs, which runs on."""
    story = Story().begin()
    for i in range(3):
        story.job(i + 1, story.call(f"f{i}", f"result {i}"), parent=1 if i else None)
    source, target = MemoryBackend(), MemoryBackend()
    source.record(story.take())
    copy_records(source, target)
    return source, target, story


def go_on(backend: MemoryBackend, story: Story, *calls: tuple[int, str], end: float | None = None) -> None:
    for number, name in calls:
        story.job(number, story.call(name, f"result of {name}"), parent=1)
    batch = story.take()
    if end is not None:
        batch.executions = [story.execution(Status.DONE, end)._replace(updated_time=end)]
    backend.record(batch)


def names(backend: MemoryBackend, execution_id: str) -> dict[int, str]:
    return {job.number: job.eval_hash.hex() for job in backend.jobs(execution_id)}


def test_jobs_that_do_not_meet_are_merged(both: tuple[MemoryBackend, MemoryBackend, Story]):
    source, target, story = both
    go_on(source, story, (1_000_000_001, "here"), end=1500.0)
    go_on(target, story, (2_000_000_001, "there"))
    for _ in range(2):
        copy_records(source, target)
        copy_records(target, source)
    assert names(source, story.execution_id) == names(target, story.execution_id)
    assert len(names(source, story.execution_id)) == 5
    assert target.execution(story.execution_id) == source.execution(story.execution_id)
    assert copy_records(source, target).total() == copy_records(target, source).total() == 0


def test_what_both_have_called_there_is_merged(both: tuple[MemoryBackend, MemoryBackend, Story]):
    source, target, story = both
    go_on(source, story, (4, "same"), (5, "here"), end=1500.0)
    go_on(target, story, (4, "same"))
    assert copy_records(source, target)["jobs"] == 1
    assert names(source, story.execution_id) == names(target, story.execution_id)


@pytest.mark.parametrize("page", [2, 5000])
@pytest.mark.parametrize("ends", [(1500.0, 1600.0), (1600.0, 1500.0)])
def test_an_execution_that_went_on_otherwise_in_both_is_told_and_nothing_of_it_is_copied(
    both: tuple[MemoryBackend, MemoryBackend, Story],
    ends: tuple[float, float],
    page: int,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(split_executions, "_PAGE", page)
    source, target, story = both
    go_on(source, story, (4, "same"), (5, "here"), end=ends[0])
    go_on(target, story, (4, "same"), (5, "there"), end=ends[1])
    other = Story(OTHER, time=2000.0).begin(Status.DONE, 2001.0)
    other.job(1, other.call("g", "g"))
    other.batch.tags.append(TagRecord(EntityKind.EXECUTION, OTHER, "key", 1))
    source.record(other.take())
    before = target.execution(story.execution_id), names(target, story.execution_id)
    message = f"{story.execution_id} went on in both .* its job 5 is another call of suite.work .* not copied"
    with pytest.raises(SplitExecutionError, match=message) as caught:
        copy_records(source, target)
    assert (caught.value.counts["executions"], caught.value.counts["jobs"], caught.value.counts["tags"]) == (1, 1, 1)
    assert (target.execution(story.execution_id), names(target, story.execution_id)) == before
    assert names(target, OTHER) == names(source, OTHER)
    with pytest.raises(SplitExecutionError) as caught:
        copy_records(target, source)
    assert caught.value.counts.total() == 0
