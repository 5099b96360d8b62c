"""A scheduler dies, and the next one goes on with its jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import remote_fixtures
import remote_tasks
from redun.remote.frames import OUTCOME, Frame, pack
from redun.remote.scratch import Scratch, list_folder, read_file, write_file
from redun.testing import RecordingSink, make_call, tasks
from remote_fixtures import held, make_executor, remote_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.executors.base import TaskCall
    from redun.testing.remote_cluster import LocalCluster
    from remote_fixtures import Start

cluster = remote_fixtures.cluster
start = remote_fixtures.start
ARRAYS = {"min_array_size": 2, "max_array_size": 20, "job_stale_time": 0.2}
LEAVE = {"on_cancel": "leave"}

WORKFLOW = """
import os
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.testing.remote_cluster import ClusterExecutor
import remote_tasks

redun_namespace = "reunion"
note = remote_tasks.note.options(executor="cluster")

@task(executor="inline", version="1")
def main(file: str, count: int):
    return [note(file, str(number)) for number in range(count)]

if __name__ == "__main__":
    scheduler = Scheduler(backend=MemoryBackend())
    scheduler.add_executor(ClusterExecutor(
        "cluster", os.environ["SCRATCH"], socket=os.environ["CLUSTER"], job_monitor_interval=0.05,
        min_array_size=2, max_array_size=20, job_stale_time=0.2, code_package=False))
    print(len(scheduler.run(main(os.environ["NOTES"], 50))), flush=True)
"""


@pytest.fixture
def workflow(cluster: LocalCluster, tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """The environment of a workflow of 50 calls on the cluster."""
    (tmp_path / "workflow.py").write_text(WORKFLOW)
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def run_workflow(cluster: LocalCluster, folder: Path, started: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """Start a scheduler, in a process of its own."""
    environment = {
        **os.environ,
        "CLUSTER": cluster.socket,
        "SCRATCH": str(folder / "remote"),
        "NOTES": str(folder / "notes"),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    process = subprocess.Popen(
        [sys.executable, str(folder / "workflow.py")], env=environment, stdout=subprocess.PIPE, text=True
    )
    started.append(process)
    return process


@pytest.mark.parametrize("when", ["waiting", "half"])
def test_a_killed_scheduler_is_followed_by_one_that_submits_nothing_twice(
    cluster: LocalCluster, tmp_path: Path, workflow: list[subprocess.Popen[str]], when: str
) -> None:
    cluster.fault(hold=True)
    first = run_workflow(cluster, tmp_path, workflow)
    cluster.wait_for("submitted", 50)
    if when == "half":
        first.send_signal(signal.SIGSTOP)  # it fetches no result any more
        cluster.fault(hold=False)
        cluster.wait_for("succeeded", 20)
        cluster.fault(hold=True)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = run_workflow(cluster, tmp_path, workflow)
    if when == "half":
        cluster.fault(hold=False)
    else:
        _wait_for_reunion(cluster)
        cluster.fault(hold=False)
    output, _ = second.communicate(timeout=60)
    assert output == "50\n"
    assert sorted(map(int, (tmp_path / "notes").read_text().split())) == list(range(50))
    assert cluster.started == 50


def _wait_for_reunion(cluster: LocalCluster) -> None:
    cluster.wait_for("waiting", 50)


def test_a_finished_output_of_a_dead_scheduler_is_used(cluster: LocalCluster, start: Start, tmp_path: Path) -> None:
    call = remote_call(1, remote_tasks.note, str(tmp_path / "notes"), "once")
    _leave_behind(cluster, tmp_path, [call])
    cluster.wait_for("succeeded", 1)
    executor, sink = start()
    executor.submit([call])
    assert sink.wait([1])[0].value == "once"
    assert cluster.started == 1


def test_a_job_in_flight_is_waited_for(cluster: LocalCluster, start: Start, tmp_path: Path) -> None:
    calls = [remote_call(number, remote_tasks.note, str(tmp_path / "notes"), str(number)) for number in range(10)]
    with held(cluster):
        _leave_behind(cluster, tmp_path, calls, **ARRAYS, bundle_size=2)
        executor, sink = start(**ARRAYS)
        executor.submit(calls[:5])
        scratch = Scratch(str(tmp_path / "remote"))
        while len(list_folder(scratch.reunited)) < 3:  # nothing tells when another thread has written a file
            pass
    assert [end.value for end in sink.wait(range(5))] == ["0", "1", "2", "3", "4"]
    assert cluster.started == 5
    executor.stop()
    assert list_folder(scratch.reunited) == []


def test_a_job_that_others_wait_for_is_not_ended_with_the_scheduler_that_submitted_it(
    cluster: LocalCluster, start: Start, tmp_path: Path
) -> None:
    first, first_sink = start()
    second, second_sink = start()
    scratch = Scratch(str(tmp_path / "remote"))
    with held(cluster):
        call = make_call(1, tasks.add, 1)
        first.submit([call])
        cluster.wait_for("submitted", 1)
        second.submit([call])
        while not list_folder(scratch.reunited):
            pass
        first.cancel([1])
        assert first_sink.wait([1])[0].kind == "cancelled"
        first.stop()
    assert second_sink.wait([1])[0].value == 2
    assert cluster.started == 1


def test_a_scheduler_that_has_reunited_with_a_job_does_not_end_it(
    cluster: LocalCluster, start: Start, tmp_path: Path
) -> None:
    call = make_call(1, tasks.add, 1)
    with held(cluster):
        _leave_behind(cluster, tmp_path, [call])
        executor, sink = start()
        executor.submit([call])
        while not list_folder(Scratch(str(tmp_path / "remote")).reunited):
            pass
        executor.cancel([1])
        assert sink.wait([1])[0].kind == "cancelled"
    cluster.wait_for("succeeded", 1)
    assert "cancel" not in cluster.requests


def test_a_finished_output_is_not_used_if_a_file_in_it_has_changed(
    cluster: LocalCluster, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "written"
    call = remote_call(1, remote_tasks.write_file, str(path), "text")
    _leave_behind(cluster, tmp_path, [call])
    cluster.wait_for("succeeded", 1)
    path.write_text("changed by somebody")
    executor, sink = start()
    executor.submit([call])
    assert sink.wait([1])[0].value.read() == "text"
    assert cluster.started == 2


def test_a_finished_script_runs_again_because_nobody_knows_of_its_files(
    cluster: LocalCluster, start: Start, tmp_path: Path
) -> None:
    call = make_call(1, tasks.script, "echo hello")
    _leave_behind(cluster, tmp_path, [call])
    cluster.wait_for("succeeded", 1)
    executor, sink = start()
    executor.submit([call])
    assert sink.wait([1])[0].value == b"hello\n"
    assert cluster.started == 2


@pytest.mark.parametrize("changes", [{"cache_scope": "CSE"}, {"attempt": 2}])
def test_only_calls_that_may_come_from_the_repository_are_reunited(
    cluster: LocalCluster, start: Start, tmp_path: Path, changes: dict[str, object]
) -> None:
    call = make_call(1, tasks.add, 1)
    _leave_behind(cluster, tmp_path, [call])
    cluster.wait_for("succeeded", 1)
    executor, sink = start()
    executor.submit([call._replace(**changes)])
    assert sink.wait([1])[0].value == 2
    assert cluster.started == 2


def test_an_intent_without_a_job_is_no_reason_to_wait(cluster: LocalCluster, start: Start, tmp_path: Path) -> None:
    call = make_call(1, tasks.add, 1)
    with held(cluster):
        _leave_behind(cluster, tmp_path, [call])
    cluster.wait_for("ended", 1)
    scratch = Scratch(str(tmp_path / "remote"))
    Path(scratch.job(call.eval_hash).output).unlink()  # as if it had never been submitted
    executor, sink = start()
    executor.submit([call])
    assert sink.wait([1])[0].value == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"form": 99, "shipments": []}', b'{"form": 1}'])
def test_a_spoilt_intent_is_left_out(start: Start, tmp_path: Path, content: bytes) -> None:
    write_file(f"{Scratch(str(tmp_path / 'remote')).submissions}/29990101T000000-x", content)
    executor, sink = start()
    executor.submit([make_call(1, tasks.add, 1)])
    assert sink.wait([1])[0].value == 2


def test_old_intents_are_removed(start: Start, tmp_path: Path) -> None:
    path = f"{Scratch(str(tmp_path / 'remote')).submissions}/20010101T000000-x"
    write_file(path, b'{"form": 1, "shipments": []}')
    executor, sink = start()
    executor.submit([make_call(1, tasks.add, 1)])
    sink.wait([1])
    assert read_file(path) is None


def test_half_an_output_is_no_output(cluster: LocalCluster, start: Start, tmp_path: Path) -> None:
    call = make_call(1, tasks.add, 1)
    path = Scratch(str(tmp_path / "remote")).job(call.eval_hash).output
    write_file(path, pack(Frame(OUTCOME, "", b"payload" * 100))[:200])
    executor, sink = start()
    executor.submit([call])
    assert sink.wait([1])[0].value == 2


def _leave_behind(cluster: LocalCluster, folder: Path, calls: list[TaskCall], **options: object) -> None:
    """Submit calls with an executor that goes and leaves its jobs."""
    import logging

    from redun.executors.base import ExecutorContext

    executor = make_executor(cluster, folder, **{**LEAVE, **options})
    executor.start(ExecutorContext(folder, "dead", "project", folder, logging.getLogger("redun.testing")), _Nobody())
    executor.submit(calls)
    size = int(str(options.get("bundle_size", 1)))
    cluster.wait_for("submitted", -(-len(calls) // size))
    executor.stop()


class _Nobody(RecordingSink):
    """A scheduler that is about to die."""
