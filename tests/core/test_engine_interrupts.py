"""Ctrl-C while a workflow runs."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.backends.records import RecordBatch, Status
from redun.scheduler.interrupts import Interrupts

redun_namespace = "test_engine_interrupts"


@task
def leaf(x: int) -> int:
    return x


@task
def fan(n: int) -> Any:
    return [leaf(i) for i in range(n)]


@task
def press_while_running(press: bool = True) -> int:
    if press:
        signal.raise_signal(signal.SIGINT)
    return 1


class PressedWhileRecording(MemoryBackend):
    """Somebody presses Ctrl-C in the middle of the first transaction that holds calls."""

    pressed = 0

    def record(self, batch: RecordBatch) -> None:
        if batch.calls and not self.pressed:
            self.pressed += 1
            signal.raise_signal(signal.SIGINT)
        super().record(batch)


def test_an_interrupt_in_the_middle_of_recording_waits_until_it_is_done(scheduler: Scheduler) -> None:
    backend = PressedWhileRecording()
    scheduler = Scheduler(backend=backend, executor=scheduler.executors["default"])
    with pytest.raises(KeyboardInterrupt):
        scheduler.run(fan(20_000))
    execution = backend.execution(scheduler.execution_id)
    assert execution is not None
    assert execution.status is Status.CANCELLED
    rows = backend.jobs(execution.id, limit=100_000)
    done = [row for row in rows if row.status is Status.DONE]
    assert done
    assert all(backend.call(row.call_hash) for row in rows if row.call_hash)
    assert scheduler.run(fan(20_000)) == list(range(20_000))
    assert scheduler.job_counts()[leaf.fullname][3] == len(done)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_strikes_a_task_that_runs_in_the_same_thread(scheduler: Scheduler) -> None:
    with pytest.raises(KeyboardInterrupt):
        scheduler.run(press_while_running())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_interrupt_is_not_held_back() -> None:
    notified: list[None] = []
    with Interrupts(lambda: notified.append(None)):
        signal.raise_signal(signal.SIGINT)
        assert len(notified) == 1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_that_handles_interrupts_itself_goes_on_doing_so() -> None:
    handled: list[int] = []
    before = signal.signal(signal.SIGINT, lambda signum, frame: handled.append(signum))
    try:
        interrupts = Interrupts(lambda: None)
        with interrupts:
            signal.raise_signal(signal.SIGINT)
            assert handled == []
            interrupts.strike()
        assert handled == [signal.SIGINT]
        signal.raise_signal(signal.SIGINT)
        assert len(handled) == 2
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_of_the_main_thread_nothing_is_touched() -> None:
    def enter() -> None:
        with Interrupts(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    seen: list[Any] = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_a_program_hears_of_a_second_interrupt_while_the_first_is_held_back() -> None:
    handled: list[int] = []
    before = signal.signal(signal.SIGINT, lambda signum, frame: handled.append(signum))
    try:
        with Interrupts(lambda: None) as interrupts:
            signal.raise_signal(signal.SIGINT)
            assert handled == []
            signal.raise_signal(signal.SIGINT)
            assert len(handled) == 2
            interrupts.strike()
            assert len(handled) == 2
    finally:
        signal.signal(signal.SIGINT, before)
