"""`redun log` over a repository that is filled by hand: what ids name, the job tree, and the views."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

import pytest
from redun.backends.memory import MemoryBackend
from redun.backends.records import (
    Argument,
    CallRecord,
    EntityKind,
    ExecutionRecord,
    JobRecord,
    RecordBatch,
    Status,
    TagRecord,
    TaskRecord,
    TaskSetRecord,
    ValueRecord,
)
from redun.cli.log import execution_view, executions_view, file_view, job_view, task_view, value_view
from redun.cli.log.json_output import json_chunks
from redun.errors import UsageError
from redun.hashing import hash_data
from redun.provenance.find import (
    AmbiguousIdError,
    ExecutionFound,
    FileFound,
    JobFound,
    TaskFound,
    TaskNameFound,
    ValueFound,
    find,
)
from redun.provenance.job_tree import path_to_root, walk_jobs
from redun.testing.backend_records import Story
from redun.value import encode

EXEC_1 = "aaaaaaaa-1111-4000-8000-000000000001"
EXEC_2 = "aaaabbbb-2222-4000-8000-000000000002"
DONE, FAILED = Status.DONE, Status.FAILED


class Repository:
    """Writes records as a scheduler would."""

    def __init__(self) -> None:
        self.backend = MemoryBackend()
        self.batch = RecordBatch()

    def write(self) -> MemoryBackend:
        self.backend.record(self.batch)
        self.batch = RecordBatch()
        return self.backend

    def execution(self, execution_id: str, start: float, status: Status = DONE, args: tuple[str, ...] = ()) -> None:
        self.batch.executions.append(
            ExecutionRecord(execution_id, args, status, start, start + 5, start + 5, "host:1:abc")
        )

    def value(self, value: Any) -> bytes:
        encoded = encode(value)
        for one in (*encoded.children, encoded):
            children = tuple(child.hash for child in one.children)
            self.batch.values.append(ValueRecord(one.hash, one.type_name, one.codec, one.data, children, one.path))
        return encoded.hash

    def task(self, name: str, source: str = "") -> bytes:
        task_hash = hash_data("task", (name + source).encode())
        namespace, _, short = name.rpartition(".")
        self.batch.tasks.append(TaskRecord(task_hash, short, namespace, None, source or f"def {short}(x):\n    pass"))
        return task_hash

    def call(self, name: str, arguments: dict[str, Any], result: Any, upstream: tuple[bytes, ...] = ()) -> bytes:
        from redun.scheduler.errors import ErrorValue

        task_hash = self.task(name)
        value_hash = self.value(result)
        call_hash = hash_data("call", f"{name}{arguments}{result}".encode())
        bound = tuple(Argument(key, self.value(item), upstream) for key, item in arguments.items())
        task_set = hash_data("taskset", task_hash)
        self.batch.task_sets.append(TaskSetRecord(task_set, (task_hash,)))
        is_error = isinstance(result, ErrorValue)
        raw = None if is_error else value_hash
        self.batch.calls.append(
            CallRecord(
                call_hash, call_hash, task_hash, call_hash, b"", bound, raw, value_hash, is_error, (), task_set, 1.0
            )
        )
        return call_hash

    def job(
        self, execution_id: str, number: int, parent: int | None, name: str, call: bytes | None, status: Status = DONE
    ) -> None:
        end = 10.0 + number if call is not None else None
        self.batch.jobs.append(
            JobRecord(
                execution_id, number, parent, self.task(name), b"e" * 20, call, status, 1.0 * number, end, "default", 1
            )
        )


@pytest.fixture
def backend(tmp_path):
    from redun.file import File
    from redun.scheduler.errors import ErrorValue
    from redun.traceback import Frame, Traceback

    (tmp_path / "data.txt").write_text("a")
    repository = Repository()
    repository.execution(EXEC_1, 1000.0, args=("redun", "run", "wf.py", "main", "--x", "1"))
    inc = repository.call("acme.inc", {"x": 1}, 2)
    main = repository.call("acme.main", {"x": 1, "path": File(str(tmp_path / "data.txt"))}, [2, "two"])
    twice = repository.call("acme.inc", {"x": 2}, 3, upstream=(inc,))
    repository.job(EXEC_1, 1, None, "acme.main", main)
    repository.job(EXEC_1, 2, 1, "acme.inc", inc)
    repository.job(EXEC_1, 3, 1, "acme.inc", twice, Status.CACHED)
    repository.execution(EXEC_2, 2000.0, FAILED, ("redun", "run", "wf.py", "bad"))
    frame = Frame("aaaabbbb.1", "bad", "wf.py", 3, ("x = 1",))
    error = ErrorValue(ValueError("bad"), Traceback((frame,), 0, "ValueError: bad"))
    repository.job(EXEC_2, 1, None, "bad", repository.call("bad", {"x": 1}, error), FAILED)
    repository.batch.tags += [
        TagRecord(EntityKind.EXECUTION, EXEC_1, "user", "ada"),
        TagRecord(EntityKind.EXECUTION, EXEC_1, "doc", "A trial."),
    ]
    return repository.write()


# -- what a text names ------------------------------------------------------------------------------------------------


def test_executions_are_found_by_recency_id_and_prefix(backend):
    for text in ("-", "~1", EXEC_2, "aaaabbbb", "AAAAB"):
        assert find(backend, text) == ExecutionFound(EXEC_2)
    assert find(backend, "~2") == ExecutionFound(EXEC_1)


def test_jobs_are_found_by_execution_and_number(backend):
    for text in (f"{EXEC_1}.3", "aaaaaaaa.3", "~2.3"):
        found = find(backend, text)
        assert isinstance(found, JobFound)
        assert (found.job.execution_id, found.job.number) == (EXEC_1, 3)
    assert find(backend, "-.1").job.execution_id == EXEC_2
    with pytest.raises(UsageError, match="no job number 9"):
        find(backend, "aaaaaaaa.9")


def test_tasks_are_found_by_name_and_hash(backend):
    assert find(backend, "acme.inc") == TaskNameFound("acme.inc")
    assert find(backend, "inc") == TaskNameFound("inc")
    # The name wins over a prefix that looks the same.
    assert find(backend, "bad") == TaskNameFound("bad")
    task_hash = backend.tasks_named("acme.inc")[0].hash
    assert find(backend, task_hash.hex()[:12]) == TaskFound(task_hash)


def test_values_calls_and_files_are_found(backend, tmp_path, monkeypatch):
    value_hash = encode([2, "two"]).hash
    assert find(backend, value_hash.hex()[:10]) == ValueFound(value_hash)
    call_hash = backend.jobs(EXEC_1)[1].call_hash
    assert find(backend, call_hash.hex()).job.number == 2
    path = str(tmp_path / "data.txt")
    assert find(backend, path) == FileFound(path)
    monkeypatch.chdir(tmp_path)
    for spelling in ("data.txt", "./data.txt"):
        assert find(backend, spelling) == FileFound(path)


def recorded(*paths: str) -> MemoryBackend:
    """A repository of files, and of executions that begin alike."""
    backend = MemoryBackend()
    stories = [Story(i).begin() for i in ("daaaaaaa", "dbbbbbbb")]
    for path in paths:
        stories[0].value(f"file {path}", path=path)
    for story in stories:
        backend.record(story.take())
    return backend


@pytest.mark.parametrize("path", ["data/out.txt", "./data/out.txt", "project/data/out.txt", "{folder}/data/out.txt"])
@pytest.mark.parametrize(
    ("place", "spelling"),
    [
        (".", "data/out.txt"),
        (".", "../project/data/out.txt"),
        (".", "data/../data/out.txt"),
        ("data", "out.txt"),
        ("data", "../data/out.txt"),
        ("other", "../data/out.txt"),
    ],
)
def test_a_file_is_found_from_any_folder_however_it_is_spelled(tmp_path, monkeypatch, path, place, spelling):
    folder = tmp_path / "project"
    path = path.format(folder=folder)
    (folder / place).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder / place)
    assert find(recorded(path, "out.txt.gz"), spelling) == FileFound(path)


def test_a_file_that_is_named_like_several_ids_is_told_with_them():
    backend = recorded("d")
    with pytest.raises(AmbiguousIdError, match=r"(?s)daaaaaaa.*dbbbbbbb.*The file is meant by \./d$"):
        find(backend, "d")
    assert find(backend, "./d") == FileFound("d")


@pytest.mark.parametrize("thing", [None, 3, b"-"])
def test_what_is_no_text_is_a_usage_error(backend, thing):
    with pytest.raises(UsageError, match="is no id"):
        find(backend, thing)


def test_an_ambiguous_prefix_lists_what_it_may_mean(backend):
    with pytest.raises(AmbiguousIdError) as caught:
        find(backend, "aaaa")
    assert EXEC_1 in str(caught.value)
    assert EXEC_2 in str(caught.value)


@pytest.mark.parametrize("text", ["nothing", "ffffffffffff", "no/file", "aaaaaaaa.x", "~9", ""])
def test_what_names_nothing_is_a_usage_error(backend, text):
    with pytest.raises(UsageError):
        find(backend, text)


def test_an_empty_repository_says_so():
    with pytest.raises(UsageError, match="no executions"):
        find(MemoryBackend(), "-")


# -- the tree ---------------------------------------------------------------------------------------------------------


class CountingBackend(MemoryBackend):
    queries = 0

    def jobs(self, *args: Any, **kwargs: Any) -> Any:
        self.queries += 1
        return super().jobs(*args, **kwargs)


def tree_backend(parents: list[int | None]) -> CountingBackend:
    """An execution whose job number n has the n-th of these parents."""
    repository = Repository()
    repository.backend = CountingBackend()
    repository.execution(EXEC_1, 1.0)
    task_hash = repository.task("t")
    repository.batch.jobs += [
        JobRecord(EXEC_1, number, parent, task_hash, b"e" * 20, None, Status.RUNNING, 1.0, None, "default", 1)
        for number, parent in enumerate(parents, start=1)
    ]
    return repository.write()


def recursive_walk(parents: list[int | None]) -> list[tuple[int, int]]:
    children: dict[int | None, list[int]] = {}
    for number, parent in enumerate(parents, start=1):
        children.setdefault(parent, []).append(number)
    result: list[tuple[int, int]] = []

    def visit(number: int, depth: int) -> None:
        result.append((depth, number))
        for child in children.get(number, ()):
            visit(child, depth + 1)

    visit(1, 0)
    return result


@pytest.mark.parametrize(
    "parents",
    [
        [None],
        [None, 1, 1, 2, 3, 2, 3],
        [None, *[1] * 120],
        [None, *range(1, 60)],
        [None, *[1] * 40, *[number for number in range(2, 42) for _ in range(3)]],
        [None, 1, 1, *range(2, 400)],
        # More jobs between a parent and its children than one page holds.
        [None, *[1] * 1500, *[number for number in range(2, 1502) for _ in range(2)]],
    ],
)
def test_the_walk_is_the_tree_in_order(parents):
    walked = [(depth, job.number) for depth, job in walk_jobs(tree_backend(parents), EXEC_1)]
    assert walked == recursive_walk(parents)


def test_a_deep_chain_is_walked_with_few_queries():
    backend = tree_backend([None, *range(1, 20_000)])
    depths = [depth for depth, _ in walk_jobs(backend, EXEC_1)]
    assert depths == list(range(20_000))
    assert backend.queries < 50


def test_a_wide_tree_is_walked_with_few_queries_and_its_first_page_with_one():
    backend = tree_backend([None, *[1] * 20_000])
    walk = walk_jobs(backend, EXEC_1)
    for _ in range(40):
        next(walk)
    assert backend.queries == 1
    assert sum(1 for _ in walk) == 20_001 - 40
    assert backend.queries < 50


def test_jobs_without_a_recorded_root_are_listed():
    repository = Repository()
    repository.execution(EXEC_1, 1.0)
    for number in (2, 3):
        repository.job(EXEC_1, number, 1, "t", None, Status.CANCELLED)
    assert [(depth, job.number) for depth, job in walk_jobs(repository.write(), EXEC_1)] == [(0, 2), (0, 3)]


def test_the_path_to_the_root_begins_with_the_parent():
    backend = tree_backend([None, 1, 2, 3])
    assert [job.number for job in path_to_root(backend, backend.job(EXEC_1, 4))] == [3, 2, 1]


# -- the views --------------------------------------------------------------------------------------------------------


def text_of(view: Any, backend: MemoryBackend, *subject: Any, limit: int | None = None) -> str:
    return "\n".join(view.lines(backend, *subject, limit=limit))


def json_of(view: Any, backend: MemoryBackend, *subject: Any, limit: int | None = None) -> Any:
    return json.loads("".join(json_chunks(view.data(backend, *subject, limit=limit))))


def test_recent_executions_are_listed_newest_first(backend):
    lines = text_of(executions_view, backend).splitlines()[2:]
    assert [line[:22] for line in lines] == ["Exec aaaabbbb [FAILED]", "Exec aaaaaaaa [ DONE ]"]
    assert lines[1].endswith(":  run wf.py main --x 1 (doc=A trial., user=ada)")
    assert len(text_of(executions_view, backend, limit=1).splitlines()) == 3
    found = json_of(executions_view, backend)
    assert [one["id"] for one in found] == [EXEC_2, EXEC_1]
    assert found[1]["tags"] == [{"key": "user", "value": "ada"}, {"key": "doc", "value": "A trial."}]


def test_an_execution_shows_its_counts_and_its_tree(backend):
    text = text_of(execution_view, backend, EXEC_1)
    assert f"Exec {EXEC_1} [ DONE ]" in text
    assert "Duration: 0:00:05.00" in text
    assert "Jobs: 3 (DONE: 2, CACHED: 1, FAILED: 0)" in text
    tree = text.splitlines()[-3:]
    assert tree[0].startswith("Job aaaaaaaa.1 [ DONE ] ")
    assert "acme.main(x=1, path=File(" in tree[0]
    assert tree[1].startswith("  Job aaaaaaaa.2 [ DONE ]")
    assert tree[1].endswith("acme.inc(x=1)")
    assert tree[2].startswith("  Job aaaaaaaa.3 [CACHED]")
    assert "the first 1 jobs" in text_of(execution_view, backend, EXEC_1, limit=1)
    found = json_of(execution_view, backend, EXEC_1)
    assert found["task_counts"] == {"acme.inc": {"DONE": 1, "CACHED": 1}, "acme.main": {"DONE": 1}}
    assert [(job["number"], job["parent"]) for job in found["jobs"]] == [(1, None), (2, 1), (3, 1)]


def test_indentation_of_a_deep_tree_stops_and_is_numbered_instead():
    backend = tree_backend([None, *range(1, 100)])
    lines = text_of(execution_view, backend, EXEC_1).splitlines()[-100:]
    assert lines[5].startswith("          Job ")
    assert lines[99].startswith(" " * 37 + "[99] Job ")


def test_a_job_shows_its_call_with_origin_of_arguments(backend):
    text = text_of(job_view, backend, backend.job(EXEC_1, 3))
    assert "Path: Exec aaaaaaaa > Job aaaaaaaa.1 main > Job aaaaaaaa.3 inc" in text
    assert "x = <" in text
    assert "> 2  from acme.inc (Job aaaaaaaa.2)" in text
    assert "Result: <" in text
    assert "def inc(x):" in text
    found = json_of(job_view, backend, backend.job(EXEC_1, 3))
    assert found["arguments"][0]["preview"] == "2"
    assert found["result"]["preview"] == "3"
    assert found["ancestors"] == [1]


def test_a_failed_job_shows_its_error_and_traceback(backend):
    text = text_of(job_view, backend, backend.job(EXEC_2, 1))
    assert "Raised: <" in text
    assert "ValueError('bad')" in text
    assert 'Job aaaabbbb.1: File "wf.py", line 3, in bad' in text
    found = json_of(job_view, backend, backend.job(EXEC_2, 1))
    assert found["result"] is None
    assert found["traceback"][-1] == "ValueError: bad"


def test_a_running_job_says_what_is_not_known_yet():
    backend = tree_backend([None])
    text = text_of(job_view, backend, backend.job(EXEC_1, 1))
    assert "[RUNNING]" in text
    assert "CallNode unknown" in text


def running_backend(scheduler_id: str, start: float, updated: float) -> MemoryBackend:
    repository = Repository()
    call = repository.call("acme.inc", {"x": 1}, 2)
    record = ExecutionRecord(EXEC_1, ("redun", "run"), Status.RUNNING, start, updated, None, scheduler_id)
    repository.batch.executions.append(record)
    repository.job(EXEC_1, 1, None, "acme.main", None, Status.RUNNING)
    repository.job(EXEC_1, 2, 1, "acme.inc", call)
    return repository.write()


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


HERE = socket.gethostname()
NOW = time.time()


@pytest.mark.parametrize(
    ("scheduler_id", "start", "updated", "status"),
    [
        ("elsewhere:1:ab", NOW - 500, NOW + 100_000, "RUNNING"),
        ("elsewhere:1:ab", NOW - 500, NOW - 70, "LOST"),
        (f"{HERE}:{ended_process()}:ab", NOW, NOW + 100, "LOST"),
        (f"{HERE}:{os.getpid()}:ab", NOW + 100, NOW + 100, "RUNNING"),
        # Alive and busy: a task that runs in the main thread keeps it from saying so.
        (f"{HERE}:{os.getpid()}:ab", NOW + 100, NOW - 500, "RUNNING"),
        # Another process has been given the number.
        (f"{HERE}:{os.getpid()}:ab", NOW - 100_000, NOW + 100, "LOST"),
        ("", NOW - 500, NOW - 500, "LOST"),
    ],
    ids=["beating", "silent", "ended", "here", "busy", "reused", "unknown"],
)
def test_an_execution_whose_process_is_gone_is_lost(scheduler_id, start, updated, status):
    backend = running_backend(scheduler_id, start, updated)
    box = {"LOST": "[ LOST ]", "RUNNING": "[RUNNING]"}[status]
    assert f"Exec aaaaaaaa {box} " in text_of(executions_view, backend)
    assert json_of(executions_view, backend)[0]["status"] == status
    text = text_of(execution_view, backend, EXEC_1)
    assert f"Job aaaaaaaa.1 {box} " in text
    assert "  Job aaaaaaaa.2 [ DONE ] " in text
    assert f"Jobs: 2 (DONE: 1, CACHED: 0, FAILED: 0, {status}: 1)" in text
    found = json_of(execution_view, backend, EXEC_1)
    assert found["task_counts"] == {"acme.inc": {"DONE": 1}, "acme.main": {status: 1}}
    assert [job["status"] for job in found["jobs"]] == [status, "DONE"]
    job = backend.job(EXEC_1, 1)
    assert f"Job aaaaaaaa.1 {box} " in text_of(job_view, backend, job)
    assert json_of(job_view, backend, job)["status"] == status
    tasks = backend.tasks_named("acme.main")
    assert f"Job aaaaaaaa.1 {box} " in text_of(task_view, backend, tasks)
    assert json_of(task_view, backend, tasks)[0]["jobs"][0]["status"] == status


def test_a_process_that_nobody_has_collected_is_gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        backend = running_backend(f"{HERE}:{process.pid}:ab", NOW, NOW + 100)
        assert json_of(executions_view, backend)[0]["status"] == "LOST"
    finally:
        process.wait()


def test_a_task_shows_versions_source_and_jobs(backend):
    text = text_of(task_view, backend, backend.tasks_named("acme.inc"))
    assert "acme.inc" in text
    assert "Job aaaaaaaa.2 [ DONE ]" in text
    assert "def inc(x):" in text
    assert json_of(task_view, backend, backend.tasks_named("acme.inc"))[0]["name"] == "inc"


def test_a_value_shows_who_made_and_who_took_it(backend):
    text = text_of(value_view, backend, encode(2).hash)
    produced, _, consumed = text.partition("Consumed by:")
    assert "Job aaaaaaaa.2" in produced
    assert "Job aaaaaaaa.3" in consumed
    assert "as x" in consumed
    found = json_of(value_view, backend, encode(2).hash)
    assert found["preview"] == "2"
    assert found["produced_by"][0]["job"]["number"] == 2


def test_a_file_shows_its_states_and_their_uses(backend, tmp_path):
    path = str(tmp_path / "data.txt")
    text = text_of(file_view, backend, path)
    assert f"File {path}" in text
    assert "Job aaaaaaaa.1" in text
    assert json_of(file_view, backend, path)["states"][0]["consumed_by"][0]["job"]["number"] == 1


def test_a_value_that_is_gone_is_no_obstacle(backend):
    backend._values.clear()
    assert "<not in the repository>" in text_of(execution_view, backend, EXEC_1)
    assert "missing or damaged" in text_of(value_view, backend, encode(2).hash)
