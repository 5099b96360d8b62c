"""What a task may do to the worker process that runs it: its own call fails, and nothing else."""

import contextlib
import multiprocessing
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from redun.errors import ExecutorError, WorkerDiedError
from redun.executors.base import TaskTarget
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import Meeting, call_target
from redun_executor_local.executor import LocalExecutor
from redun_executor_local.supervisor import FAILED_STARTS, START_PAUSE_SECONDS, Supervisor
from redun_executor_local.worker_process import WorkerProcess

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
HERE = Path(__file__).parent
START_METHODS = ["forkserver", "spawn", "fork"]


def dying(job_id, name, *args):
    """A call of a task that this process has not loaded."""
    return call_target(job_id, TaskTarget(f"dying.{name}", b"", "dying_tasks", (str(HERE),)), *args)


def is_running(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def worker_pids(executor):
    return {worker.process.pid for worker in executor._processes._supervisor._workers}


class WatchedSink(RecordingSink):
    """Lets a test wait until a call was sent to a worker."""

    def __init__(self):
        super().__init__()
        self.sent = threading.Event()

    def started(self, job_id):
        super().started(job_id)
        self.sent.set()


@pytest.fixture
def sink():
    return WatchedSink()


@pytest.fixture
def pool(context, sink):
    """Starts pools of workers, and afterwards looks for what they have left."""
    started = []

    def start(method="forkserver", max_workers=2):
        executor = LocalExecutor("pool", mode="process", max_workers=max_workers, start_method=method)
        executor.start(context, sink)
        started.append(executor)
        return executor

    yield start
    for executor in started:
        executor.stop()
    assert multiprocessing.active_children() == []


@pytest.fixture
def meetings(tmp_path):
    return [Meeting(tmp_path, str(number)) for number in range(3)]


def pid_of(meeting):
    return int(Path(meeting.started).read_text())


class TestDeath:
    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ("SIGKILL", r"was ended by SIGKILL: often the system has run out of memory\."),
            ("SIGTERM", r"was ended by SIGTERM: "),
            ("null", r"was ended by SIGSEGV: compiled code, "),
            ("stack", r"was ended by SIGSEGV: .* a recursion was deeper than the stack\."),
            ("abort", r"was ended by SIGABRT: "),
            ("processor time", r"was ended by SIGXCPU: "),
            ("exit 0", r"ended with exit code 0: the task, or a library that it uses, has ended the process"),
            ("exit 3", r"ended with exit code 3: "),
            ("exit 255", r"ended with exit code 255: "),
            ("close", r"(closed its connection|ended with exit code 0: .* or closed files that are not its own)"),
        ],
    )
    def test_a_death_fails_the_call_that_ran_and_no_other(self, pool, sink, how, words):
        calls = [dying(number, "fine", number) for number in range(10)]
        pool().submit([*calls[:5], dying(100, "die", how), *calls[5:]])
        *others, dead = sink.wait([*range(10), 100])
        assert [end.value for end in others] == list(range(10))
        assert type(dead.error) is WorkerDiedError
        assert re.match(r"The worker process that ran task dying\.die " + words, str(dead.error))

    def test_the_kernel_kills_for_memory(self, pool, sink, memory_group):
        pool().submit([dying(1, "join_group_and_fill_memory", str(memory_group)), dying(2, "fine", 2)])
        dead, other = sink.wait([1, 2])
        assert "join_group_and_fill_memory was ended by SIGKILL: often the system has run out of memory" in str(
            dead.error
        )
        assert other.value == 2

    @pytest.mark.parametrize("task", ["die_while_pickling", "die_while_sending"])
    @pytest.mark.parametrize("method", START_METHODS)
    def test_a_death_in_the_middle_of_a_large_result(self, pool, sink, method, task):
        args = [50] if task == "die_while_sending" else []
        pool(method).submit([dying(1, task, *args), *(dying(number, "fine", number) for number in range(2, 8))])
        dead, *others = sink.wait(range(1, 8))
        assert type(dead.error) is WorkerDiedError
        assert [end.value for end in others] == list(range(2, 8))

    @pytest.mark.parametrize("method", START_METHODS)
    def test_a_task_that_closes_everything_and_goes_on_is_ended(self, pool, sink, method):
        pool(method).submit([dying(1, "die", "close and go on"), dying(2, "fine", 2)])
        lost, other = sink.wait([1, 2])
        assert "dying.die closed its connection to the scheduler" in str(lost.error)
        assert other.value == 2

    @pytest.mark.parametrize("method", START_METHODS)
    def test_all_workers_dying_at_once(self, pool, sink, meetings, method):
        executor = pool(method, max_workers=3)
        executor.submit([dying(n, "hold", meeting.started, meeting.release) for n, meeting in enumerate(meetings)])
        executor.submit([dying(number, "fine", number) for number in range(10, 20)])
        for pid in [pid_of(meeting) for meeting in meetings]:
            os.kill(pid, signal.SIGKILL)
        assert {type(end.error) for end in sink.wait(range(3))} == {WorkerDiedError}
        assert [end.value for end in sink.wait(range(10, 20))] == list(range(10, 20))

    def test_a_worker_that_dies_after_its_result_has_cost_nothing(self, pool, sink):
        executor = pool(max_workers=1)
        for number in range(0, 40, 2):
            executor.submit([dying(number, "die_after_return"), dying(number + 1, "fine", number)])
        assert {end.kind for end in sink.wait(range(40))} == {"done"}

    def test_killing_the_fork_server_costs_what_runs_and_leaves_no_worker(self, pool, sink, meetings):
        executor = pool()
        executor.submit([dying(1, "hold", meetings[0].started, meetings[0].release)])
        bystander = pid_of(meetings[0])
        executor.submit([dying(2, "die", "kill parent"), dying(3, "fine", 3)])
        ends = sink.wait([1, 2, 3])
        assert ends[2].value == 3
        for end in ends[:2]:
            assert "was lost: the fork server, which starts the workers" in str(end.error)
        assert not is_running(bystander)


class TestCallsThatHaveNotBegun:
    """A worker that dies before it has read its call costs nothing."""

    def test_a_call_sent_to_a_worker_that_dies_runs_in_another(self, pool, sink):
        executor = pool(max_workers=1)
        executor.submit([dying(0, "look_around")])
        *_, pid = sink.wait([0])[0].value
        os.kill(pid, signal.SIGSTOP)  # it cannot read
        sink.sent.clear()
        executor.submit([dying(1, "look_around")])
        assert sink.sent.wait(60)
        os.kill(pid, signal.SIGKILL)
        *_, other = sink.wait([1])[0].value
        assert other != pid

    def test_a_large_call_whose_worker_dies_while_it_reads(self, pool, sink):
        executor = pool(max_workers=1)
        executor.submit([dying(0, "look_around")])
        *_, pid = sink.wait([0])[0].value
        os.kill(pid, signal.SIGSTOP)
        executor.submit([dying(1, "fine", bytes(5_000_000))])
        os.kill(pid, signal.SIGKILL)
        assert sink.wait([1])[0].value == bytes(5_000_000)

    def test_a_call_that_kills_every_worker_that_reads_it_fails(self, pool, sink, monkeypatch):
        # The supervisor takes every worker for one that has not read its call.
        lose = Supervisor._lose
        monkeypatch.setattr(Supervisor, "_lose", lambda self, worker, **_: lose(self, worker, is_unread=True))
        executor = pool(max_workers=1)
        executor.submit([dying(1, "die", "exit 3"), dying(2, "fine", 2)])
        dead, other = sink.wait([1, 2])
        assert "dying.die cannot run: 3 worker processes ended while they received its arguments" in str(dead.error)
        assert "exit code 3" in str(dead.error)
        assert other.value == 2

    @pytest.mark.parametrize("method", START_METHODS)
    def test_idle_workers_that_are_killed_fail_nothing(self, pool, sink, meetings, method):
        executor = pool(method, max_workers=3)
        executor.submit([dying(n, "hold", meeting.started, meeting.release) for n, meeting in enumerate(meetings)])
        pids = [pid_of(meeting) for meeting in meetings]
        for meeting in meetings:
            meeting.let_go()
        sink.wait(range(3))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        executor.submit([dying(number, "fine", number) for number in range(10, 50)])
        ends = sink.wait(range(10, 50))
        assert [end.error for end in ends if end.error] == []
        assert [end.value for end in sink.wait(range(10, 50))] == list(range(10, 50))

    @pytest.mark.parametrize("method", START_METHODS)
    def test_workers_killed_while_they_start_are_replaced(self, pool, sink, monkeypatch, method):
        started = []
        start = WorkerProcess.__init__

        def start_and_kill(self, *args):
            start(self, *args)
            started.append(self.process.pid)
            if len(started) < 3:
                os.kill(self.process.pid, signal.SIGKILL)

        monkeypatch.setattr(WorkerProcess, "__init__", start_and_kill)
        pool(method).submit([dying(1, "fine", 1), dying(2, "fine", 2)])
        assert [end.value for end in sink.wait([1, 2])] == [1, 2]
        assert len(started) >= 3

    def test_an_interpreter_that_cannot_start_fails_the_calls_that_wait(self, pool, sink):
        executor = pool("spawn")
        spawn = multiprocessing.get_context("spawn")
        spawn.set_executable("/nowhere/python")
        try:
            executor.submit([dying(number, "fine", number) for number in range(5)])
            ends = sink.wait(range(5))
        finally:
            spawn.set_executable(sys.executable)
        assert {type(end.error) for end in ends} == {WorkerDiedError}
        assert "dying.fine cannot run: 3 new worker processes in a row ended before they were ready" in str(
            ends[0].error
        )
        executor.submit([dying(5, "fine", 5)])
        assert sink.wait([5])[0].value == 5

    def test_a_module_that_ends_the_process_when_it_is_imported(self, pool, sink, tmp_path):
        (tmp_path / "deadly_module.py").write_text("import os\nos._exit(6)\n")
        target = TaskTarget("deadly.work", b"", "deadly_module", (str(tmp_path),))
        pool().submit([call_target(1, target), dying(2, "fine", 2)])
        dead, other = sink.wait([1, 2])
        assert "deadly.work ended with exit code 6" in str(dead.error)
        assert other.value == 2

    def test_starts_that_fail_are_repeated_after_a_pause(self, pool, sink, monkeypatch):
        moments = []
        start = WorkerProcess.__init__

        def fail_twice(self, *args):
            moments.append(time.monotonic())
            if len(moments) < FAILED_STARTS:
                raise OSError("no more processes")
            start(self, *args)

        monkeypatch.setattr(WorkerProcess, "__init__", fail_twice)
        pool(max_workers=1).submit([dying(1, "fine", 1)])
        assert sink.wait([1])[0].value == 1
        assert moments[1] - moments[0] >= START_PAUSE_SECONDS
        assert moments[2] - moments[1] >= START_PAUSE_SECONDS


class TestErrors:
    @pytest.mark.parametrize(
        "name", ["KeyboardInterrupt", "GeneratorExit", "Cry", "RecursionError", "MemoryError", "SystemExit"]
    )
    def test_whatever_is_raised_fails_the_call_and_spares_the_worker(self, pool, sink, name):
        executor = pool(max_workers=1)
        executor.submit([dying(1, "look_around"), dying(2, "raise_error", name), dying(3, "look_around")])
        before, failed, after = sink.wait([1, 2, 3])
        assert before.value == after.value
        if name == "SystemExit":
            assert type(failed.error) is ExecutorError
            assert "dying.raise_error called sys.exit(3)" in str(failed.error)
        else:
            assert type(failed.error).__name__ == name or name in str(failed.error)
        assert "in raise_error" in failed.traceback

    def test_a_limit_of_memory_is_a_memory_error(self, pool, sink):
        executor = pool(max_workers=1)
        executor.submit([dying(1, "run_out_of_memory", 2**30), dying(2, "fine", 2)])
        failed, other = sink.wait([1, 2])
        assert type(failed.error) is MemoryError
        assert other.value == 2


class TestProcessesOfTasks:
    @pytest.mark.parametrize("mode", ["process", "thread"])
    def test_a_copy_that_leaves_the_body_as_well_reports_nothing(self, context, sink, mode, capfd):
        executor = LocalExecutor("pool", mode=mode, max_workers=1)
        executor.start(context, sink)
        executor.submit([dying(1, "fork_and_return"), *(dying(number, "fine", number) for number in range(2, 20))])
        forked, *others = sink.wait(range(1, 20))
        assert forked.value is True
        assert [end.value for end in others] == list(range(2, 20))
        executor.stop()

    def test_a_copy_that_fails_says_so_on_stderr(self, pool, sink, tmp_path):
        pool().submit([dying(1, "fork_and_fail", str(tmp_path / "stderr"))])
        assert sink.wait([1])[0].value == 1
        assert "ValueError: only in the child" in (tmp_path / "stderr").read_text()

    @pytest.mark.parametrize("method", START_METHODS)
    def test_a_death_is_noticed_though_a_process_forked_earlier_lives_on(self, pool, sink, meetings, method):
        executor = pool(method, max_workers=1)
        executor.submit([dying(1, "leave_child_and_return", meetings[0].started, meetings[0].release)])
        child = pid_of(meetings[0])
        worker = sink.wait([1])[0].value
        executor.submit([dying(2, "die_while_sending", 50), dying(3, "look_around")])
        dead, after = sink.wait([2, 3])
        assert "SIGKILL" in str(dead.error)
        assert after.value[-1] != worker
        assert is_running(child)
        meetings[0].let_go()

    def test_a_thread_that_does_not_end_is_ended_with_its_worker(self, pool, sink, meetings, monkeypatch):
        monkeypatch.setattr("redun_executor_local.worker_process.LEAVE_SECONDS", 0.1)
        executor = pool()
        executor.submit([dying(1, "start_thread", meetings[0].release), dying(2, "fine", 2)])
        pid = sink.wait([1, 2])[0].value
        executor.stop()
        assert not is_running(pid)


class TestWhatIsLeftForTheNextTask:
    @pytest.mark.parametrize("method", START_METHODS)
    def test_the_working_folder_is_put_back_and_the_rest_stays(self, pool, sink, tmp_path, method):
        executor = pool(method, max_workers=1)
        executor.submit([dying(1, "look_around"), dying(2, "soil", str(tmp_path)), dying(3, "look_around")])
        before, _, after = (end.value for end in sink.wait([1, 2, 3]))
        assert before[:3] == (os.getcwd(), None, False)
        assert after == (os.getcwd(), "soiled", True, before[3])

    def test_no_result_is_written_into_a_file_of_the_task(self, pool, sink, tmp_path):
        path = tmp_path / "precious"
        path.write_text("data")
        pool().submit([dying(1, "steal_the_line", str(path)), dying(2, "fine", 2)])
        dead, other = sink.wait([1, 2])
        assert "closed its connection" in str(dead.error) or "exit code" in str(dead.error)
        assert other.value == 2
        assert path.read_text() == "data"


class TestEndurance:
    @pytest.mark.parametrize(("method", "deaths"), [("fork", 80), ("forkserver", 30)])
    def test_many_deaths_leave_no_file_process_or_memory(self, context, sink, method, deaths):
        executor = LocalExecutor("pool", mode="process", max_workers=2, start_method=method)
        executor.start(context, sink)
        ways = ["SIGKILL", "exit 0", "SIGTERM", "exit 3"]

        def kill(first, count):
            executor.submit([dying(number, "die", ways[number % 4]) for number in range(first, first + count)])
            ends = sink.wait(range(first, first + count))
            assert {type(end.error) for end in ends} == {WorkerDiedError}

        kill(0, 20)
        files, memory = len(os.listdir("/proc/self/fd")), resident_memory()
        kill(20, deaths - 20)
        assert abs(len(os.listdir("/proc/self/fd")) - files) <= 8  # of the workers that were just started
        assert resident_memory() - memory < 10_000_000
        executor.submit([dying(1000, "fine", 1)])
        assert sink.wait([1000])[0].value == 1
        children = worker_pids(executor)
        executor.stop()
        assert not any(is_running(pid) for pid in children)
        assert multiprocessing.active_children() == []

    def test_stop_right_after_a_death_leaves_nothing(self, context):
        before = len(os.listdir("/proc/self/fd"))
        for number in range(10):
            sink = RecordingSink()
            executor = LocalExecutor("pool", mode="process", max_workers=2)
            executor.start(context, sink)
            executor.submit([dying(n, "die", "SIGKILL") for n in range(3)])
            if number % 2:
                sink.wait([0])
            executor.stop()
            assert multiprocessing.active_children() == []
            assert {end.kind for ends in sink.ends.values() for end in ends} <= {"failed", "cancelled"}
        assert len(os.listdir("/proc/self/fd")) <= before + 4  # the fork server's own


class TestTheSchedulerDies:
    @pytest.mark.parametrize(
        ("task", "method"),
        [*(("hold_and_clean_up", method) for method in START_METHODS), ("hold_on", "forkserver")],
    )
    def test_a_running_task_may_clean_up_and_is_ended(self, tmp_path, task, method):
        started, release, trace = (str(tmp_path / name) for name in ("started", "release", "trace"))
        os.mkfifo(started)
        os.mkfifo(release)
        program = tmp_path / "program.py"
        program.write_text(SCHEDULER.format(task=task, here=str(HERE), method=method, args=(started, release, trace)))
        process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, start_new_session=True)
        worker = os.pidfd_open(int(Path(started).read_text()))
        with open(release, "w"):  # returns when the task waits there
            process.kill()
            # The pipe reaches its end when the last process that holds it is gone, so also the fork server.
            output, _ = process.communicate(timeout=60)
        assert output == b""
        assert select.select([worker], [], [], 60)[0] == [worker]
        os.close(worker)
        assert Path(trace).read_text() == "cleaned up"


SCHEDULER = """
import logging, sys
from pathlib import Path
from redun.executors.base import ExecutorContext, TaskTarget
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import call_target
from redun_executor_local.executor import LocalExecutor

if __name__ == "__main__":
    sink = RecordingSink()
    executor = LocalExecutor("pool", mode="process", start_method={method!r})
    executor.start(ExecutorContext(Path("."), "e", "p", Path("."), logging.getLogger()), sink)
    target = TaskTarget("dying.{task}", b"", "dying_tasks", ({here!r},))
    executor.submit([call_target(1, target, *{args!r})])
    sink.wait([1])
"""


def resident_memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def memory_group():
    """A control group of the kernel with little memory, where that may be made."""
    group = Path("/sys/fs/cgroup/memory", f"redun-test-{os.getpid()}")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(200 * 2**20))
    except OSError:
        pytest.skip("no control groups for memory can be made here")
    yield group
    group.rmdir()
