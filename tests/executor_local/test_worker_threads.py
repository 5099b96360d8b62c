"""What the thread mode of the local executor promises beyond the rules of every executor."""

import threading

import pytest
from redun.testing import tasks
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import Meeting, make_call
from redun_executor_local.executor import LocalExecutor


def worker_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("redun-default-")]


@pytest.fixture
def running(context, sink):
    executor = LocalExecutor("default")
    executor.start(context, sink)
    yield executor
    executor.stop()


def test_threads_start_with_the_calls_and_only_as_many_as_needed(running, sink, local_call):
    assert worker_threads() == []
    for number in range(5):
        running.submit([local_call(number, "thread_name")])
        sink.wait([number])
    assert {end.value for end in sink.wait(range(5))} == {"redun-default-1"}
    assert len(worker_threads()) == 1


def test_there_are_never_more_threads_than_workers(running, sink):
    running.submit([make_call(number, tasks.add, number) for number in range(100)])
    sink.wait(range(100))
    assert 1 <= len(worker_threads()) <= 20


def test_a_stop_with_nothing_running_leaves_no_thread(running, sink):
    running.submit([make_call(number, tasks.add, number) for number in range(100)])
    sink.wait(range(100))
    running.stop()
    assert worker_threads() == []


def test_an_abandoned_call_is_not_reported_after_stop(running, context, sink, tmp_path):
    meeting = Meeting(tmp_path, "meeting")
    running.submit([meeting.call(1)])
    meeting.wait_until_started()
    [thread] = worker_threads()
    running.stop()
    later = RecordingSink()
    running.start(context, later)
    meeting.let_go()
    thread.join()
    assert sink.ends == later.ends == {}


def test_threads_do_not_keep_the_program_from_ending(running, tmp_path, sink):
    meeting = Meeting(tmp_path, "meeting")
    running.submit([meeting.call(1)])
    meeting.wait_until_started()
    assert [thread.daemon for thread in worker_threads()] == [True]
    meeting.let_go()
    sink.wait([1])


def test_an_error_in_a_thread_is_the_very_object_that_was_raised(running, sink):
    running.submit([make_call(1, tasks.fail_stubbornly, "here")])
    end = sink.wait([1])[0]
    assert isinstance(end.error, tasks.StubbornError)
    assert end.error.__traceback__ is not None


@pytest.mark.parametrize(("mode", "wish"), [("thread", "process"), ("process", "thread"), ("thread", "processes")])
def test_a_task_chooses_its_own_mode(context, sink, local_call, mode, wish):
    import os

    executor = LocalExecutor("both", mode=mode)
    executor.start(context, sink)
    executor.submit([local_call(1, "process_id"), local_call(2, "process_id", options={"mode": wish})])
    usual, chosen = (end.value == os.getpid() for end in sink.wait([1, 2]))
    assert usual == (mode == "thread")
    assert chosen == (wish == "thread")
    executor.stop()


def test_a_wrong_mode_fails_the_call(running, sink):
    running.submit([make_call(1, tasks.add, 1, options={"mode": "cluster"}), make_call(2, tasks.add, 1)])
    bad, good = sink.wait([1, 2])
    assert "mode = 'cluster'" in str(bad.error)
    assert good.value == 2
