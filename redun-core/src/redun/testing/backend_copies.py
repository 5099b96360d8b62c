"""Copies from one repository to another: complete, whole at every moment, and nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from redun.backends.copying import collect_records, copy_records
from redun.backends.memory import MemoryBackend
from redun.backends.records import (
    EntityKind,
    ExecutionRecord,
    HandleEdge,
    HandleRecord,
    HandleStep,
    RecordBatch,
    Status,
    TagRecord,
)
from redun.errors import BackendError
from redun.testing.backend_fixtures import MANY, BackendFixtures
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from redun.backends.base import Backend

_LATER = "22222222-2222-4222-8222-222222222222"


class _Stopping(MemoryBackend):
    """Takes some batches, and then no more."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def record(self, batch: RecordBatch) -> None:
        if self.left == 0:
            raise BackendError("the connection is lost")
        self.left -= 1
        super().record(batch)


class Copies(BackendFixtures):
    """What `redun.backends.copying` and the questions behind it promise. Skipped where they are not supported."""

    @pytest.fixture(autouse=True)
    def _needs_copies(self, request: pytest.FixtureRequest) -> None:
        if request.function.__name__ not in vars(Copies):
            return
        backend: Backend = request.getfixturevalue("backend")
        try:
            backend.execution_states()
        except BackendError as error:
            pytest.skip(str(error))

    def test_a_copy_answers_as_the_original(self, backend: Backend, story: Story) -> None:
        """There and back again, and whoever asks."""
        _tell(story)
        backend.record(story.take())
        there, back = MemoryBackend(), MemoryBackend()
        copy_records(backend, there)
        assert _all_answers(there) == _all_answers(backend)
        copy_records(there, back)
        assert _all_answers(back) == _all_answers(backend)

    def test_it_takes_a_copy_of_another_repository(self, backend: Backend, story: Story) -> None:
        """Records that come from elsewhere are records like its own."""
        _tell(story)
        source = MemoryBackend()
        source.record(story.take())
        counts = copy_records(source, backend)
        assert counts["calls"] == 4
        assert counts["executions"] == 1
        assert _all_answers(backend) == _all_answers(source)
        assert backend.task_counts(story.execution_id) == source.task_counts(story.execution_id)

    def test_a_second_copy_sends_nothing(self, backend: Backend, story: Story) -> None:
        """In either direction."""
        _tell(story)
        backend.record(story.take())
        other = MemoryBackend()
        assert copy_records(backend, other).total() > 0
        assert copy_records(backend, other).total() == 0
        assert copy_records(other, backend).total() == 0

    def test_only_what_is_new_is_sent(self, backend: Backend, story: Story) -> None:
        """A later execution that makes one more call."""
        shared = story.call("f", "result", arguments=["a long argument".ljust(200, ".")])
        story.job(1, shared)
        batch = story.take()
        batch.executions = [story.execution(Status.DONE, 1001.0)]
        backend.record(batch)
        other = MemoryBackend()
        copy_records(backend, other)
        later = Story(_LATER, time=2000.0).begin(Status.DONE, 2001.0)
        later.job(1, shared)
        later.job(2, later.call("g", "another result", children=[shared.call_hash], time=2000.0))
        backend.record(later.take())
        counts = copy_records(backend, other)
        assert {kind: counts[kind] for kind in ("executions", "jobs", "calls", "tasks", "task_sets")} == {
            "executions": 1,
            "jobs": 2,
            "calls": 1,
            "tasks": 0,
            "task_sets": 0,
        }
        assert _all_answers(other) == _all_answers(backend)

    def test_one_execution_comes_with_all_that_it_needs_and_no_other(self, backend: Backend, story: Story) -> None:
        """The calls below its calls, and those that its arguments came from, although other executions made them."""
        source = story.call("source", "made before")
        below = story.call("below", "below", arguments=["deep"], upstream=[source.call_hash])
        story.job(1, below)
        backend.record(story.take())
        later = Story(_LATER, time=2000.0).begin()
        later.job(1, later.call("above", "above", children=[below.call_hash], time=2000.0))
        backend.record(later.take())
        other = MemoryBackend()
        copy_records(backend, other, [_LATER])
        assert [each.id for each in other.executions(limit=5)] == [_LATER]
        for each in (source, below):
            assert other.call(each.call_hash) == each
        assert len(other.load_values([hash_of("deep"), hash_of("made before"), hash_of("below")])) == 3
        assert copy_records(backend, other, [_LATER]).total() == 0

    def test_after_each_batch_nothing_is_missing(self, backend: Backend, story: Story) -> None:
        """Whatever is interrupted, what has arrived names nothing that has not."""
        _fill(backend, story)
        other = MemoryBackend()
        batches = list(collect_records(backend))
        assert len(batches) > 3
        for batch in batches:
            other.record(batch)
            _assert_whole(other, batch)
        assert _all_answers(other) == _all_answers(backend)

    def test_a_copy_that_was_interrupted_is_completed_by_the_next(self, backend: Backend, story: Story) -> None:
        """Until then the execution is there as one that runs, and what arrived is not sent again."""
        _fill(backend, story)
        whole = copy_records(backend, MemoryBackend())
        answers = _all_answers(backend)
        for batches in range(1, 4):
            other = _Stopping(batches)
            with pytest.raises(BackendError, match="the connection is lost"):
                copy_records(backend, other)
            found = other.execution(story.execution_id)
            assert found is None or found.status is Status.RUNNING
            arrived = len(other.call_times([hash_of(f"call f{i} result f{i}") for i in range(2 * MANY)]))
            other.left = 1000
            assert copy_records(backend, other)["calls"] == whole["calls"] - arrived
            assert _all_answers(other) == answers

    def test_what_runs_is_copied_as_it_is_and_completed_later(self, backend: Backend, story: Story) -> None:
        """A long run can be looked at elsewhere."""
        call = story.call("f", "result")
        story.job(1)
        story.job(2, call, parent=1)
        backend.record(story.take())
        other = MemoryBackend()
        copy_records(backend, other)
        assert [job.status for job in other.jobs(story.execution_id)] == [Status.RUNNING, Status.DONE]
        assert copy_records(backend, other).total() == 0
        story.job(1, story.call("main", "end", children=[call.call_hash]))
        batch = story.take()
        batch.executions = [story.execution(Status.DONE, 1009.0)]
        backend.record(batch)
        assert copy_records(backend, other)["jobs"] == 1
        assert _all_answers(other) == _all_answers(backend)
        assert other.execution(story.execution_id) == story.execution(Status.DONE, 1009.0)

    def test_an_older_copy_takes_nothing_back(self, backend: Backend, story: Story) -> None:
        """One that was made while the execution ran."""
        story.job(1)
        older = MemoryBackend()
        older.record(story.take())
        story.begin()
        story.job(1, story.call("f", "result"))
        batch = story.take()
        batch.executions = [story.execution(Status.DONE, 1009.0)._replace(updated_time=1009.0)]
        backend.record(batch)
        before = _all_answers(backend)
        assert copy_records(older, backend).total() == 0
        assert _all_answers(backend) == before

    def test_an_older_record_of_an_execution_takes_nothing_back(self, backend: Backend, story: Story) -> None:
        """The one with the latest sign of life counts, whichever comes last."""
        backend.record(story.take())
        newer = story.execution(Status.DONE, 1009.0)._replace(updated_time=1009.0)
        for record in (newer, story.execution()):
            backend.record(RecordBatch(executions=[record]))
        assert backend.execution(story.execution_id) == newer

    def test_the_newest_evaluation_is_the_newest_one_there(self, backend: Backend, story: Story) -> None:
        """An outcome that was seen before, and is seen again after another one."""
        story.job(1, story.call("f", "first", time=1000.0))
        backend.record(story.take())
        other = MemoryBackend()
        copy_records(backend, other)
        later = Story(_LATER, time=2000.0).begin()
        later.job(1, later.call("f", "second", time=2000.0))
        later.job(2, later.call("f", "first", time=3000.0))
        backend.record(later.take())
        copy_records(backend, other)
        eval_hash = hash_of("eval f")
        assert other.find_evaluations([eval_hash])[eval_hash].raw_hash == hash_of("first")
        assert _all_answers(other) == _all_answers(backend)

    def test_a_tag_that_is_added_later_is_copied_later(self, backend: Backend, story: Story) -> None:
        """To an execution, a job, a call, a task or a value that the other side has already."""
        call = story.call("f", "result")
        story.job(1, call)
        backend.record(story.take())
        other = MemoryBackend()
        copy_records(backend, other)
        entities = {
            EntityKind.EXECUTION: story.execution_id,
            EntityKind.JOB: f"{story.execution_id}.1",
            EntityKind.CALL: call.call_hash.hex(),
            EntityKind.TASK: story.task_hash.hex(),
            EntityKind.VALUE: call.value_hash.hex(),
        }
        for kind, entity_id in entities.items():
            tag = TagRecord(kind, entity_id, "later", kind.name)
            backend.record(RecordBatch(tags=[tag]))
            assert copy_records(backend, other) == {"tags": 1}
            assert other.tags(kind, [entity_id])[entity_id] == [tag]
        assert copy_records(backend, other).total() == 0

    def test_a_state_of_a_handle_that_one_side_has_undone_is_undone(self, backend: Backend, story: Story) -> None:
        """What is taken for valid must be; what is not costs a run."""
        first, second = (HandleRecord(hash_of(name), "db", "", is_valid=True) for name in ("one", "two"))
        story.batch.handles += [first, second]
        story.batch.handle_edges.append(HandleEdge(first.hash, second.hash, HandleStep.CALL))
        backend.record(story.take())
        other = MemoryBackend()
        copy_records(backend, other)
        both = {first.hash, second.hash}
        assert other.find_valid_handles(list(both)) == both
        assert other.roll_back([first.hash]) == both
        _new_run(backend, "33333333-3333-4333-8333-333333333333")
        copy_records(backend, other)
        assert other.find_valid_handles(list(both)) == set()
        _new_run(other, "44444444-4444-4444-8444-444444444444")
        copy_records(other, backend)
        assert backend.find_valid_handles(list(both)) == set()

    def test_a_handle_that_holds_there_in_another_state_arrives_as_undone(self, backend: Backend, story: Story) -> None:
        """Which of the two states it is in neither side can tell."""
        story.batch.handles.append(HandleRecord(hash_of("here"), "db", "", is_valid=True))
        story.batch.handles.append(HandleRecord(hash_of("elsewhere"), "another", "", is_valid=True))
        backend.record(story.take())
        other = MemoryBackend()
        other.record(RecordBatch(handles=[HandleRecord(hash_of("there"), "db", "", is_valid=True)]))
        copy_records(backend, other)
        states = [hash_of(name) for name in ("here", "elsewhere", "there")]
        assert other.find_valid_handles(states) == {hash_of("elsewhere"), hash_of("there")}

    def test_a_repository_is_not_copied_to_itself(self, backend: Backend) -> None:
        """Somebody has confused two of them."""
        with pytest.raises(BackendError, match="the same repository"):
            copy_records(backend, backend)

    def test_positions_of_calls_only_grow(self, backend: Backend, story: Story) -> None:
        """So that a call mostly comes after those that it names."""
        for i in range(3):
            story.call(f"f{i}", f"result {i}")
            backend.record(story.take())
        hashes = [hash_of(f"call f{i} result {i}") for i in range(3)]
        positions = backend.call_positions([*hashes, hash_of("unknown")])
        assert sorted(positions, key=positions.__getitem__) == hashes
        assert {each.call_hash for each in backend.call_links(list(positions.values()))} == set(hashes)


def _tell(story: Story) -> None:
    """A bit of everything."""
    source = story.call("source", "made", raw="raw expression")
    below = story.call("below", "result", arguments=["argument", "long".ljust(200, ".")], upstream=[source.call_hash])
    story.evaluation("open", "open expression")
    failed = story.call("open", "error", is_error=True, time=1001.0)
    container = story.call("container", "holds files", context=hash_of("context"))
    story.value("context")
    story.value("file", path="file.txt")
    story.batch.values.append(story.batch.values.pop(0))
    story.batch.values = [v for v in story.batch.values if v.hash != hash_of("holds files")]
    story.value("holds files", children=["file"], size=300)
    story.job(1)
    for number, call in enumerate((source, below, container), 2):
        story.job(number, call, parent=1)
    story.job(5, failed, parent=1, status=Status.FAILED)
    story.job(6, parent=1, status=Status.CANCELLED)
    story.batch.tags += [
        TagRecord(EntityKind.EXECUTION, story.execution_id, "user", "me"),
        TagRecord(EntityKind.JOB, f"{story.execution_id}.2", "key", {"b": [1, None]}),
        TagRecord(EntityKind.TASK, story.task_hash.hex(), "key", 1.5),
        TagRecord(EntityKind.VALUE, hash_of("file").hex(), "key", True),
        TagRecord(EntityKind.CALL, source.call_hash.hex(), "key", None),
    ]
    story.batch.handles += [HandleRecord(hash_of(name), "db", "", name == "h2") for name in ("h1", "h2")]
    story.batch.handle_edges.append(HandleEdge(hash_of("h1"), hash_of("h2"), HandleStep.ARGUMENT))


def _fill(backend: Backend, story: Story) -> None:
    """More calls than are sent at once, in batches within which a call may come before those that it names."""
    names = [f"f{i}" for i in range(2 * MANY)]
    for i, name in enumerate(names):
        below = [] if i < 10 else [hash_of(f"call f{i - 10} result f{i - 10}")]
        call = story.call(name, f"result {name}", arguments=[f"argument {name}".ljust(80, ".")], children=below)
        story.job(i + 1, call)
        if i % 200 == 199:
            backend.record(story.take())
    backend.record(RecordBatch(executions=[story.execution(Status.DONE, 9000.0)]))


def _new_run(backend: Backend, execution_id: str) -> None:
    backend.record(Story(execution_id, time=5000.0).begin(Status.DONE, 5001.0).take())


def _assert_whole(backend: MemoryBackend, batch: RecordBatch) -> None:
    values = {each for call in batch.calls for each in (call.value_hash, *(a.value_hash for a in call.arguments))}
    values |= {child for value in batch.values for child in value.children}
    assert backend.missing_values(list(values)) == set()
    calls = {each for call in batch.calls for each in call.children}
    calls |= {each for call in batch.calls for argument in call.arguments for each in argument.upstream}
    assert backend.call_times(list(calls)).keys() == calls


def _all_answers(backend: Backend) -> list[Any]:
    """What a backend says about everything in it, where the order of arrival does not count."""
    executions: list[ExecutionRecord] = backend.executions(limit=100)
    jobs = [job for execution in executions for job in backend.jobs(execution.id, limit=10_000)]
    calls = backend.calls([job.call_hash for job in jobs if job.call_hash is not None])
    values = {each for call in calls.values() for each in (call.value_hash, call.raw_hash or call.value_hash)}
    values |= {argument.value_hash for call in calls.values() for argument in call.arguments}
    eval_hashes = list({job.eval_hash for job in jobs})
    handles = sorted(record for _, record in backend.handles())
    outlines = backend.value_outlines(list(values))
    return [
        executions,
        jobs,
        calls,
        backend.load_values(list(values)),
        {value_hash: (each.children, each.path) for value_hash, each in outlines.items() if each.children or each.path},
        {eval_hash: hit._replace(value=None) for eval_hash, hit in backend.find_evaluations(eval_hashes).items()},
        sorted(backend.open_evaluations(eval_hashes)),
        {each: backend.task(each) for each in {job.task_hash for job in jobs}},
        backend.load_task_sets(list({call.task_set_hash for call in calls.values()})),
        [file.value_hash for file in backend.files("file.txt")],
        sorted(((int(t.entity_kind), t.entity_id, t.key, str(t.value)) for _, t in backend.tags_since(0))),
        handles,
        sorted(backend.handle_edges([handle.hash for handle in handles])),
    ]
