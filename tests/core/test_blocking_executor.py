"""Executors made from one function that waits."""

from __future__ import annotations

import logging
import threading

import pytest
from redun.errors import ConfigError, ExecutorError
from redun.executors import BlockingExecutor, Cancellation, Capabilities, Returned, run_call
from redun.executors.base import ExecutorContext
from redun.testing import ExecutorSuite, tasks
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import make_call

WAIT = 30


class Plain(BlockingExecutor):
    """As little as an executor can be."""

    capabilities = Capabilities(in_process=True, abandons_running=True)

    def run(self, call, cancellation):
        return Returned(run_call(call))


class Patient(Plain):
    """`stop` waits for what runs."""

    capabilities = Capabilities(in_process=True)


class Held(BlockingExecutor):
    """Holds every call until it is let go or cancelled, and tells what happened."""

    capabilities = Capabilities(cancel=True, abandons_running=True)

    def __init__(self, name="held", slots=2):
        super().__init__(name, slots)
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.stops = []
        self.late = threading.Event()

    def run(self, call, cancellation):
        self.entered.release()
        ended = threading.Event()

        def stop():
            self.stops.append(call.job_id)
            ended.set()

        if call.options.get("late"):
            # What a cancellation meets when it comes before there is anything to stop.
            assert self.late.wait(WAIT)
        with cancellation.stops_with(stop):
            while not (self.release.is_set() or ended.wait(0.01)):
                pass
        return Returned(call.job_id)


class TestPlainBlockingExecutor(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return Plain("plain")


class TestPatientBlockingExecutor(ExecutorSuite):
    @pytest.fixture
    def executor(self):
        return Patient("patient")


@pytest.fixture
def sink():
    return RecordingSink(WAIT)


@pytest.fixture
def context(tmp_path):
    return ExecutorContext(tmp_path, "x", "p", tmp_path, logging.getLogger("redun.testing"))


@pytest.fixture
def held(sink, context):
    executor = Held()
    executor.start(context, sink)
    yield executor
    executor.release.set()
    executor.late.set()
    executor.stop()


def test_a_running_call_is_stopped_the_way_it_said_and_ends_as_cancelled(held, sink):
    held.submit([make_call(1, tasks.add, 1), make_call(2, tasks.add, 1)])
    assert all(held.entered.acquire(timeout=WAIT) for _ in range(2))
    held.cancel([1])
    assert sink.wait([1])[0].kind == "cancelled"
    held.release.set()
    assert sink.wait([2])[0].value == 2
    assert held.stops == [1]


def test_a_call_that_is_cancelled_before_it_can_be_stopped_is_stopped_as_soon_as_it_can(held, sink):
    held.submit([make_call(1, tasks.add, 1, options={"late": True})])
    assert held.entered.acquire(timeout=WAIT)
    held.cancel([1])
    held.cancel([1])
    assert held.stops == []
    held.late.set()
    assert sink.wait([1])[0].kind == "cancelled"
    assert held.stops == [1]


def test_a_call_that_has_ended_is_not_stopped(held, sink):
    held.release.set()
    held.submit([make_call(1, tasks.add, 1)])
    assert sink.wait([1])[0].kind == "done"
    held.cancel([1])
    assert held.stops == []


def test_a_call_is_stopped_once_at_most_and_only_while_it_says_how():
    stops = []
    cancellation = Cancellation()
    with cancellation.stops_with(lambda: stops.append("first")):
        cancellation.request()
        cancellation.request()
    late = Cancellation()
    with late.stops_with(lambda: stops.append("late")):
        pass
    late.request()
    assert late.is_requested
    assert stops == ["first"]


def test_stop_stops_what_runs_and_waits_for_it(held, sink):
    held.submit([make_call(number, tasks.add, 1) for number in range(3)])
    assert all(held.entered.acquire(timeout=WAIT) for _ in range(2))
    held.stop()
    assert {number: [end.kind for end in ends] for number, ends in sink.ends.items()} == {
        0: ["cancelled"],
        1: ["cancelled"],
        2: ["cancelled"],
    }
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("redun-held")]


def test_a_way_to_stop_that_fails_is_logged_and_harms_nobody(held, sink, caplog):
    held.stops = None  # appending to it raises
    held.submit([make_call(1, tasks.add, 1)])
    assert held.entered.acquire(timeout=WAIT)
    held.late.set()
    held.cancel([1])
    held.release.set()
    assert sink.wait([1])[0].kind == "cancelled"
    assert "Executor held could not stop a call" in caplog.text


def test_an_executor_that_waits_for_what_runs_reports_it(sink, context):
    class Waiting(Held):
        capabilities = Capabilities()

    executor = Waiting(slots=1)
    executor.start(context, sink)
    executor.submit([make_call(1, tasks.add, 1), make_call(2, tasks.add, 1)])
    assert executor.entered.acquire(timeout=WAIT)
    stopping = threading.Thread(target=executor.stop)
    stopping.start()
    assert sink.wait([2])[0].kind == "cancelled"
    assert 1 not in sink.ends
    executor.release.set()
    stopping.join(WAIT)
    assert not stopping.is_alive()
    assert sink.wait([1])[0].kind == "done"


def test_what_is_abandoned_reports_nothing_to_the_next_run(sink, context):
    class Unstoppable(Held):
        capabilities = Capabilities(abandons_running=True)

    executor = Unstoppable(slots=1)
    executor.start(context, sink)
    executor.submit([make_call(1, tasks.add, 1)])
    assert executor.entered.acquire(timeout=WAIT)
    [thread] = [thread for thread in threading.enumerate() if thread.name == "redun-held-1"]
    executor.stop()
    second = RecordingSink(WAIT)
    executor.start(context, second)
    executor.release.set()
    executor.submit([make_call(2, tasks.add, 1)])
    assert second.wait([2])[0].kind == "done"
    thread.join(WAIT)
    assert (sink.ends, list(second.ends)) == ({}, [2])
    executor.stop()


def test_threads_start_only_for_calls_that_need_them(sink, context):
    executor = Plain("lazy", slots=50)
    executor.start(context, sink)
    for number in range(20):
        executor.submit([make_call(number, tasks.add, number)])
        sink.wait([number])
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("redun-lazy")]
    # One that has just reported is free for the next call.
    assert len(threads) == 1
    executor.stop()


def test_a_run_method_that_forgets_how_to_return_fails_its_call(sink, context):
    class Forgetful(Plain):
        def run(self, call, cancellation):
            return run_call(call)

    executor = Forgetful("forgetful", slots=1)
    executor.start(context, sink)
    executor.submit([make_call(1, tasks.add, 1), make_call(2, tasks.add, 1)])
    assert ["`run` returned a int. It must return Returned(value)" in str(end.error) for end in sink.wait([1, 2])] == [
        True,
        True,
    ]
    executor.stop()


def test_an_error_of_the_executor_is_told_without_its_frames_and_a_mistake_in_it_with_them(sink, context):
    class Failing(Plain):
        def run(self, call, cancellation):
            if call.job_id == 1:
                raise ExecutorError("no machine is free")
            raise KeyError("a mistake")

    executor = Failing("failing")
    executor.start(context, sink)
    executor.submit([make_call(1, tasks.add, 1), make_call(2, tasks.add, 1)])
    told, mistaken = sink.wait([1, 2])
    assert told.traceback == "redun.errors.ExecutorError: no machine is free\n"
    assert mistaken.traceback is None
    assert mistaken.error.__traceback__ is not None
    executor.stop()


def test_slots_must_be_at_least_one():
    with pytest.raises(ConfigError, match="'none' has slots = 0"):
        Plain("none", slots=0)
