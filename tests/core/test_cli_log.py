"""The views of `redun log`, over a repository that is filled by hand."""

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
from redun.backends.records import ExecutionRecord, Status
from redun.cli.log import execution_view, executions_view, file_view, job_view, task_view, value_view
from redun.cli.log.json_output import json_chunks
from redun.value import encode
from written_repository import EXEC_1, EXEC_2, Repository, tree_backend, two_executions


@pytest.fixture
def backend(tmp_path):
    return two_executions(tmp_path)


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
