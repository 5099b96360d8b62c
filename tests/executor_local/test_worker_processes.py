"""What the process mode of the local executor promises about its workers."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from redun.errors import ExecutorError, WorkerDiedError
from redun.executors.transport import RemoteTaskError
from redun.testing import tasks
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import Meeting, make_call
from redun.traceback import format_error
from redun_executor_local.executor import LocalExecutor


def processes(**options):
    return LocalExecutor("workers", mode="process", **{"max_workers": 2} | options)


@pytest.fixture(params=["forkserver", "spawn", "fork"])
def any_method(request, context, sink):
    executor = processes(start_method=request.param)
    executor.start(context, sink)
    yield executor
    executor.stop()


@pytest.fixture
def running(context, sink):
    executor = processes()
    executor.start(context, sink)
    yield executor
    executor.stop()


@pytest.fixture
def meeting(tmp_path):
    return Meeting(tmp_path, "meeting")


class TestDeath:
    @pytest.mark.parametrize(
        ("how", "words"),
        [("exit", "exit code 7"), ("SIGKILL", "SIGKILL"), ("segfault", "SIGSEGV"), ("SIGTERM", "SIGTERM")],
    )
    def test_a_worker_that_dies_fails_its_own_call_and_says_how_it_ended(self, running, sink, local_call, how, words):
        running.submit([local_call(1, "die", how)] + [make_call(number, tasks.add, number) for number in range(2, 30)])
        died, *others = sink.wait(range(1, 30))
        assert isinstance(died.error, WorkerDiedError)
        assert "local_tests.die" in str(died.error)
        assert words in str(died.error)
        assert [end.value for end in others] == list(range(3, 31))

    def test_workers_that_die_are_replaced(self, any_method, sink, local_call):
        any_method.submit([local_call(number, "die", "exit") for number in range(5)])
        any_method.submit([make_call(10, tasks.add, 1)])
        *died, survivor = sink.wait([0, 1, 2, 3, 4, 10])
        assert {type(end.error) for end in died} == {WorkerDiedError}
        assert survivor.value == 2

    def test_an_idle_worker_that_is_killed_fails_nothing(self, context, sink, local_call):
        executor = processes(max_workers=1)
        executor.start(context, sink)
        executor.submit([local_call(1, "process_id")])
        first = sink.wait([1])[0].value
        [worker] = multiprocessing.active_children()
        assert worker.pid == first
        os.kill(first, signal.SIGKILL)
        worker.join()
        executor.submit([local_call(2, "process_id")])
        assert sink.wait([2])[0].value != first
        executor.stop()

    def test_a_worker_that_loses_its_connection_is_replaced(self, running, sink, local_call):
        running.submit([local_call(1, "close_all_files"), make_call(2, tasks.add, 1)])
        lost, other = sink.wait([1, 2])
        assert isinstance(lost.error, WorkerDiedError)
        assert other.value == 2

    def test_a_death_is_noticed_though_a_child_of_the_worker_lives_on(self, any_method, sink, local_call, meeting):
        any_method.submit([local_call(1, "leave_child_behind", meeting.started, meeting.release)])
        meeting.wait_until_started()
        assert "exit code 9" in str(sink.wait([1])[0].error)
        meeting.let_go()

    def test_a_script_that_cannot_be_imported_fails_the_calls_that_wait(self, context, sink, monkeypatch, tmp_path):
        script = tmp_path / "broken_script.py"
        script.write_text("raise SystemExit(4)")
        monkeypatch.setattr("__main__.__file__", str(script), raising=False)
        monkeypatch.setattr("__main__.__spec__", None)
        executor = processes(start_method="spawn")
        executor.start(context, sink)
        executor.submit([make_call(number, tasks.add, 1) for number in range(5)])
        ends = sink.wait(range(5))
        assert {type(end.error) for end in ends} == {WorkerDiedError}
        assert 'under `if __name__ == "__main__":`' in str(ends[0].error)
        assert str(ends[0].error).count("stderr") == 1
        monkeypatch.undo()
        executor.submit([make_call(9, tasks.add, 1)])
        assert sink.wait([9])[0].value == 2
        executor.stop()


class TestTransport:
    def test_a_module_is_found_by_the_import_paths_of_the_call(self, any_method, sink, local_call):
        any_method.submit([local_call(1, "length", b"four")])
        assert sink.wait([1])[0].value == 4

    def test_classes_of_the_workflow_are_found_before_arguments_are_unpickled(
        self, running, sink, local_call, monkeypatch
    ):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        from local_executor_tasks import Nail

        monkeypatch.undo()
        running.submit([local_call(1, "size_of", Nail(8))])
        assert sink.wait([1])[0].value == 8

    def test_large_arguments_and_results_come_through(self, running, sink, local_call):
        running.submit([local_call(1, "big", 50), local_call(2, "length", b"y" * 50_000_000)])
        result, length = sink.wait([1, 2])
        assert len(result.value) == length.value == 50_000_000

    def test_a_result_that_cannot_be_unpickled_fails_its_call(self, running, sink, local_call):
        running.submit([local_call(1, "make_brick"), make_call(2, tasks.add, 1)])
        brick, other = sink.wait([1, 2])
        assert isinstance(brick.error, ExecutorError)
        assert "result of task local_tests.make_brick" in str(brick.error)
        assert "made in another process" in str(brick.error)
        assert other.value == 2

    def test_an_argument_that_cannot_be_unpickled_fails_its_call(self, running, sink, local_call, monkeypatch):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        from local_executor_tasks import Brick

        running.submit([local_call(1, "length", Brick()), make_call(2, tasks.add, 1)])
        brick, other = sink.wait([1, 2])
        assert "arguments of task local_tests.length cannot be unpickled" in str(brick.error)
        assert other.value == 2

    def test_an_error_that_cannot_be_brought_back_keeps_its_repr_and_traceback(self, running, sink, local_call):
        running.submit([local_call(1, "fail_with_an_error_of_its_own", "too proud")])
        end = sink.wait([1])[0]
        assert isinstance(end.error, RemoteTaskError)
        assert end.error.original == "OwnError('too proud')"
        assert "raise OwnError(message)" in end.error.traceback_text
        assert end.traceback.startswith(end.error.traceback_text.rstrip())
        assert end.traceback.rstrip().endswith("which cannot be pickled and brought back.")

    def test_an_error_comes_back_whatever_its_constructor_takes(self, running, sink, local_call, monkeypatch):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        running.submit([local_call(1, "fail_with", "sample"), make_call(2, tasks.fail_in_two_parts, "a", "b")])
        bad, two = sink.wait([1, 2])
        assert type(bad.error).__name__ == "BadSample"
        assert (str(bad.error), bad.error.name, bad.error.code) == ("sample is bad (7)", "sample", 7)
        assert type(two.error) is tasks.TwoPartError

    def test_an_error_comes_back_without_what_cannot_be_pickled(self, running, sink):
        running.submit([make_call(1, tasks.fail_stubbornly, "too proud")])
        error = sink.wait([1])[0].error
        assert (type(error), str(error), error.callback) == (tasks.StubbornError, "too proud", None)

    def test_an_exception_may_be_an_argument_and_a_result(self, running, sink, local_call, monkeypatch):
        monkeypatch.syspath_prepend(str(Path(__file__).parent))
        from local_executor_tasks import BadSample

        running.submit([local_call(1, "same", [BadSample("sample", 7)])])
        assert [vars(error) for error in sink.wait([1])[0].value] == [{"name": "sample", "code": 7}]

    def test_a_remote_traceback_begins_in_the_task(self, running, sink):
        running.submit([make_call(1, tasks.fail, "no")])
        lines = sink.wait([1])[0].traceback.splitlines()
        assert "in fail" in lines[1]


class TestSurroundings:
    def test_a_worker_has_the_folder_and_the_environment_of_the_scheduler(
        self, any_method, sink, local_call, monkeypatch, tmp_path
    ):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("REDUN_TEST_VARIABLE", str(tmp_path))
        any_method.submit([local_call(1, "surroundings", "REDUN_TEST_VARIABLE")])
        assert sink.wait([1])[0].value == (str(tmp_path), str(tmp_path))

    def test_ctrl_c_does_not_touch_a_task_but_ends_the_programs_it_starts(self, any_method, sink, local_call):
        any_method.submit([local_call(1, "interrupt_itself")])
        assert sink.wait([1])[0].value is True

    def test_a_task_may_use_processes_itself(self, running, sink, local_call):
        running.submit([local_call(1, "own_children", -3)])
        assert sink.wait([1])[0].value == 3

    def test_no_more_workers_start_than_there_are_calls(self, context, sink, local_call):
        executor = processes(max_workers=20)
        executor.start(context, sink)
        assert multiprocessing.active_children() == []
        for number in range(3):
            executor.submit([local_call(number, "process_id")])
            sink.wait([number])
        assert len({end.value for end in sink.wait(range(3))}) == 1
        assert len(multiprocessing.active_children()) == 1
        executor.stop()


class TestEnd:
    def test_no_process_is_left_after_stop(self, any_method, sink, local_call, meeting):
        any_method.submit([local_call(1, "process_id"), meeting.call(2), local_call(3, "process_id")])
        meeting.wait_until_started()
        pids = {end.value for end in sink.wait([1, 3])} | {child.pid for child in multiprocessing.active_children()}
        any_method.stop()
        assert multiprocessing.active_children() == []
        assert [pid for pid in pids if os.path.exists(f"/proc/{pid}")] == []

    def test_files_are_closed_after_stop(self, context, sink):
        executor = processes()
        executor.start(context, sink)
        executor.submit([make_call(1, tasks.add, 1)])
        sink.wait([1])
        executor.stop()
        before = len(os.listdir("/proc/self/fd"))
        executor.start(context, sink)
        executor.submit([make_call(2, tasks.add, 1)])
        sink.wait([2])
        executor.stop()
        assert len(os.listdir("/proc/self/fd")) == before

    def test_a_cancelled_task_may_clean_up(self, running, sink, local_call, meeting, tmp_path):
        trace = tmp_path / "trace"
        running.submit([local_call(1, "meet_and_clean_up", meeting.started, meeting.release, str(trace))])
        meeting.wait_until_started()
        running.cancel([1])
        assert sink.wait([1])[0].kind == "cancelled"
        assert trace.read_text() == "cleaned up"

    def test_a_task_that_refuses_to_end_is_killed(self, running, sink, local_call, meeting, monkeypatch):
        monkeypatch.setattr("redun_executor_local.worker_process.TERMINATE_SECONDS", 0.05)
        running.submit([local_call(1, "refuse_to_end", meeting.started, meeting.release)])
        meeting.wait_until_started()
        running.cancel([1])
        assert sink.wait([1])[0].kind == "cancelled"

    def test_a_pool_that_cannot_go_on_says_so_and_leaves_no_process(self, context):
        class FaultySink(RecordingSink):
            def done(self, job_id, value):
                raise RuntimeError("cannot take it")

        sink = FaultySink()
        executor = processes()
        executor.start(context, sink)
        executor.submit([make_call(1, tasks.add, 1)])
        with pytest.raises(AssertionError, match="broken"):
            sink.wait([1])
        executor.stop()
        assert str(sink.broken_by) == "cannot take it"
        assert multiprocessing.active_children() == []


def test_a_task_that_exits_is_shown_with_its_own_lines_only(running, sink):
    running.submit([make_call(1, tasks.leave, 3)])
    sink.wait([1])
    [end] = sink.ends[1]
    assert "sys.exit(code)" in end.traceback
    assert "executors" not in end.traceback


def test_an_error_of_reduns_own_comes_without_a_traceback_and_one_of_the_task_with_it():
    assert format_error(ExecutorError("cannot be pickled")) == "redun.errors.ExecutorError: cannot be pickled\n"
    try:
        int("x")
    except ValueError as error:
        text = format_error(error)
    assert 'int("x")' in text
    assert text.endswith("ValueError: invalid literal for int() with base 10: 'x'\n")
