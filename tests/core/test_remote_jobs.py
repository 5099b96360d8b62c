"""Jobs elsewhere: what goes wrong with them, and what the calls that they run end with."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import remote_fixtures
import remote_tasks
from redun.errors import ConfigError, ExecutorError
from redun.executors import ScriptError
from redun.remote import JobLostError, OutputLostError, RemoteJobError, ScratchError, WorkerVersionError
from redun.remote.scratch import Scratch, list_folder
from redun.testing import make_call, tasks
from redun.testing.remote_cluster import ClusterError
from remote_fixtures import held, remote_call

if TYPE_CHECKING:
    from pathlib import Path

    from redun.testing.remote_cluster import LocalCluster
    from remote_fixtures import Start

cluster = remote_fixtures.cluster
start = remote_fixtures.start


def test_an_error_comes_back_with_its_traceback_and_the_log_of_its_job(start: Start) -> None:
    executor, sink = start()
    executor.submit([remote_call(1, remote_tasks.print_and_fail, "some output", "no luck")])
    end = sink.wait([1])[0]
    assert type(end.error) is tasks.PlainError
    assert end.traceback is not None
    assert "in print_and_fail" in end.traceback
    assert "Last lines of the job's log:" in end.traceback
    assert "some output" in end.traceback


def test_a_job_that_is_killed_fails_its_call_and_says_how(cluster: LocalCluster, start: Start, tmp_path: Path) -> None:
    executor, sink = start()
    executor.submit([make_call(1, tasks.meet, *_pipes(tmp_path))])
    cluster.wait_for("running", 1)
    cluster.kill()
    end = sink.wait([1])[0]
    assert isinstance(end.error, RemoteJobError)
    assert "job-1 failed with exit code 137" in str(end.error)
    assert "ended by signal 9" in str(end.error)
    assert "redun_testing.meet" in str(end.error)


def test_a_job_that_cannot_start_fails_its_call_with_the_reason(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    cluster.fault(not_started=1)
    executor.submit([make_call(1, tasks.add, 1)])
    end = sink.wait([1])[0]
    assert isinstance(end.error, RemoteJobError)
    assert "the image cannot be found" in str(end.error)


def test_an_error_of_an_earlier_job_is_not_taken_for_that_of_one_that_cannot_start(
    cluster: LocalCluster, start: Start
) -> None:
    executor, sink = start()
    executor.submit([make_call(1, tasks.fail, "yesterday")])
    assert type(sink.wait([1])[0].error) is tasks.PlainError
    cluster.fault(not_started=1)
    executor.submit([make_call(1, tasks.fail, "yesterday")._replace(job_id=2)])
    assert isinstance(sink.wait([2])[0].error, RemoteJobError)


def test_a_task_that_leaves_the_process_fails_its_call(start: Start) -> None:
    executor, sink = start()
    executor.submit([make_call(1, tasks.die), make_call(2, tasks.leave, 3)])
    died, left = sink.wait([1, 2])
    assert isinstance(died.error, RemoteJobError)
    assert "exit code 7" in str(died.error)
    assert isinstance(left.error, ExecutorError)
    assert "called sys.exit(3)" in str(left.error)


def test_a_lost_output_is_made_again_once(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    cluster.fault(lose_output=1)
    executor.submit([make_call(1, tasks.add, 1)])
    assert sink.wait([1])[0].value == 2
    assert cluster.started == 2


def test_an_output_that_is_lost_twice_is_an_error(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    cluster.fault(lose_output=2)
    executor.submit([make_call(1, tasks.add, 1)])
    end = sink.wait([1])[0]
    assert isinstance(end.error, OutputLostError)
    assert "redun_testing.add" in str(end.error)
    assert cluster.started == 2


def test_a_job_that_nobody_knows_any_more_fails_its_call(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    executor.unknown_seconds = 0.0
    with held(cluster):
        cluster.fault(forget=True)
        executor.submit([make_call(1, tasks.add, 1)])
        assert isinstance(sink.wait([1])[0].error, JobLostError)


def test_a_busy_service_is_asked_again(cluster: LocalCluster, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redun.remote.asking.FIRST_DELAY", 0.01)
    executor, sink = start()
    cluster.fault(throttle={"submit": 3, "describe": 3}, fail={"submit": 1, "describe": 1})
    executor.submit([make_call(1, tasks.add, 1)])
    assert sink.wait([1])[0].value == 2
    assert cluster.requests["submit"] == 5


def test_a_refused_submission_fails_its_calls_only(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    cluster.fault(refuse=1)
    executor.submit([make_call(1, tasks.add, 1)])
    assert "the cluster says: refused" in str(sink.wait([1])[0].error)
    executor.submit([make_call(2, tasks.add, 1)])
    assert sink.wait([2])[0].value == 2


def test_a_service_that_is_gone_breaks_the_executor(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    with held(cluster):
        executor.submit([make_call(1, tasks.add, 1)])
        cluster.wait_for("submitted", 1)
        cluster.fault(broken=True)
        assert isinstance(sink.wait_until_broken(), ClusterError)
        cluster.fault(broken=False)


def test_a_worker_of_another_protocol_says_which_version_is_where(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor, sink = start()
    monkeypatch.setattr("redun.remote.frames.PROTOCOL", 99)
    executor.submit([make_call(1, tasks.add, 1)])
    end = sink.wait([1])[0]
    assert isinstance(end.error, ExecutorError)
    assert "protocol 99" in str(end.error)
    assert "protocol 1" in str(end.error)


def test_a_worker_that_is_too_old_is_told_by_the_log(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    executor, sink = start()
    monkeypatch.setattr("redun.remote.sending.OLDEST_WORKER", "77.1")
    executor.submit([make_call(1, tasks.add, 1)])
    assert "which is not >=77.1" in str(sink.wait([1])[0].error)


def test_tags_of_jobs_reach_the_calls(start: Start) -> None:
    executor, sink = start()
    executor.submit([make_call(1, tasks.add, 1)])
    sink.wait([1])
    assert sink.tags == [(1, "cluster_job", "job-1")]
    assert sink.started_ids == [1]


@pytest.mark.parametrize("scope", ["NONE", "CSE"])
def test_an_output_is_used_again_only_where_the_scope_allows_it(
    cluster: LocalCluster, start: Start, tmp_path: Path, scope: str
) -> None:
    counter = tmp_path / "counter"
    executor, sink = start()
    call = remote_call(1, remote_tasks.note, str(counter), "x")
    for job_id, changes in enumerate([{}, {}, {"cache_scope": scope}, {"attempt": 2}]):
        executor.submit([call._replace(job_id=job_id, **changes)])
        sink.wait([job_id])
    # The second call found the output of the first one.
    assert counter.read_text() == "x\nx\nx\n"
    assert cluster.started == 4


def test_an_output_with_a_file_that_has_changed_is_made_again(
    cluster: LocalCluster, start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "written"
    executor, sink = start()
    call = remote_call(1, remote_tasks.write_file, str(path), "text")
    for job_id in (1, 2, 3):
        if job_id > 1:
            path.write_text("changed by somebody")
        if job_id == 3:
            cluster.fault(not_started=1)
        executor.submit([call._replace(job_id=job_id)])
        sink.wait([job_id])
        assert path.read_text() == ("text" if job_id < 3 else "changed by somebody")
    assert isinstance(sink.ends[3][0].error, RemoteJobError), "an old output was taken for that of a job that never ran"


def test_a_failing_script_brings_what_it_wrote_to_stderr(start: Start) -> None:
    executor, sink = start()
    executor.submit([make_call(1, tasks.script, "echo advice >&2; exit 7")])
    error = sink.wait([1])[0].error
    assert isinstance(error, ScriptError)
    assert error.exit_code == 7
    assert error.message.endswith("advice\n+ exit 7\n")


def test_a_script_runs_again_whatever_is_in_the_scratch_folder(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    call = make_call(1, tasks.script, "echo hello")
    for job_id in (1, 2):
        executor.submit([call._replace(job_id=job_id)])
        assert sink.wait([job_id])[0].value == b"hello\n"
    assert cluster.started == 2


def test_nothing_is_left_to_be_found_again_when_all_is_done(start: Start, tmp_path: Path) -> None:
    executor, sink = start()
    executor.submit([make_call(number, tasks.add, number) for number in range(3)])
    sink.wait(range(3))
    executor.stop()
    assert list_folder(Scratch(str(tmp_path / "remote")).submissions) == []


def test_a_scratch_folder_that_cannot_be_written_fails_the_calls(start: Start, tmp_path: Path) -> None:
    (tmp_path / "remote").write_text("a file, and no folder")
    executor, sink = start()
    executor.submit([make_call(1, tasks.add, 1), make_call(2, tasks.echo, threading.Lock())])
    written, sent = sink.wait([1, 2])
    assert isinstance(written.error, ScratchError)
    assert "cannot be written" in str(written.error)
    assert "cannot be sent to another process" in str(sent.error)


def test_cancelling_ends_the_jobs(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start()
    with held(cluster):
        executor.submit([make_call(1, tasks.add, 1), make_call(2, tasks.add, 2)])
        cluster.wait_for("submitted", 2)
        executor.cancel([1, 2])
        assert {end.kind for end in sink.wait([1, 2])} == {"cancelled"}
    assert cluster.started == 0


def test_jobs_are_left_alone_where_the_options_say_so(cluster: LocalCluster, start: Start) -> None:
    executor, sink = start(on_cancel="leave")
    with held(cluster):
        executor.submit([make_call(1, tasks.add, 1)])
        cluster.wait_for("submitted", 1)
        executor.cancel([1])
        assert sink.wait([1])[0].kind == "cancelled"
        executor.stop()
    cluster.wait_for("succeeded", 1)
    assert "cancel" not in cluster.requests


def test_options_that_contradict_each_other_are_refused(start: Start) -> None:
    with pytest.raises(ConfigError, match=r"executor 'cluster': max_array_size = 3 is less than min_array_size = 5"):
        start(min_array_size=5, max_array_size=3)


def test_what_another_version_has_written_is_refused_in_one_clear_message() -> None:
    from redun.remote.frames import OUTCOME, Frame, pack, unpack

    data = pack(Frame(OUTCOME, "order", b"payload")).replace(b"redun-remote 1 0.1.0", b"redun-remote 2 9.9.9")
    with pytest.raises(WorkerVersionError, match=r"written by redun 9\.9\.9, which speaks protocol 2"):
        unpack("a/file", data)


def _pipes(folder: Path) -> tuple[str, str]:
    import os

    for name in ("started", "release"):
        os.mkfifo(folder / name)
    return str(folder / "started"), str(folder / "release")
