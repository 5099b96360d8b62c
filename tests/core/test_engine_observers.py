"""What observers of a run are told, and what they cannot break."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from redun import Scheduler, task
from redun.errors import UsageError
from redun.executors.inline import InlineExecutor
from redun.scheduler import JobEvent
from redun.scheduler.observers import Observers

redun_namespace = "test_engine_observers"


@task
def leaf(x: int) -> int:
    if x < 0:
        raise ValueError("negative")
    return x


@task
def top(x: int) -> Any:
    return [leaf(x), leaf(x + 1)]


class Listening:
    def __init__(self) -> None:
        self.events: list[JobEvent] = []
        self.threads: set[str] = set()

    def handle(self, events: Sequence[JobEvent]) -> None:
        self.threads.add(threading.current_thread().name)
        self.events += events


def test_observers_are_told_what_happens_to_every_job() -> None:
    listening = Listening()
    scheduler = Scheduler(executor=InlineExecutor("default"), observers=[listening])
    scheduler.run(top(1))
    told = sorted((event.kind, event.task_name.split(".")[-1], event.args) for event in listening.events)
    ran = [("leaf", (1,)), ("leaf", (2,)), ("top", (1,))]
    assert told == [("done", *one) for one in ran] + [("running", *one) for one in ran]
    listening.events.clear()
    scheduler.run(top(1))
    assert sorted(event.kind for event in listening.events) == ["cached"] * 3
    listening.events.clear()
    with pytest.raises(ValueError, match="negative"):
        scheduler.run(leaf(-1))
    assert [event.kind for event in listening.events] == ["running", "failed"]
    assert listening.events[-1].detail == "ValueError: negative"


class Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def test_an_observer_that_raises_is_disabled_and_the_run_goes_on() -> None:
    class Raising(Listening):
        def handle(self, events: Sequence[JobEvent]) -> None:
            super().handle(events)
            raise RuntimeError("broken observer")

    raising, listening = Raising(), Listening()
    scheduler = Scheduler(executor=InlineExecutor("default"), observers=[raising, listening])
    logger, handler = logging.getLogger("redun"), Messages()
    logger.addHandler(handler)
    try:
        assert scheduler.run(top(1)) == [1, 2]
    finally:
        logger.removeHandler(handler)
    assert len(handler.messages) == 1
    assert "is disabled, because it raised RuntimeError: broken observer" in handler.messages[0]
    assert len(listening.events) == 6
    assert len(raising.events) < 6


def test_observers_of_plugins_hear_everything_on_a_thread_of_their_own() -> None:
    plugged = Listening()
    observers = Observers([], [plugged])
    batches = [[JobEvent("done", f"e.{i}", "t", (), {}, "default")] for i in range(100)]
    for batch in batches:
        observers.handle(batch)
    observers.close()
    assert [event.job_name for event in plugged.events] == [f"e.{i}" for i in range(100)]
    assert plugged.threads == {"redun-observers"}


def test_an_execution_id_must_be_a_new_uuid() -> None:
    scheduler = Scheduler(executor=InlineExecutor("default"))
    given = "0f8fad5b-d9cb-469f-a165-70867728950e"
    scheduler.run(leaf(1), execution_id=given)
    assert scheduler.execution_id == given
    with pytest.raises(UsageError, match="there is an execution"):
        scheduler.run(leaf(1), execution_id=given)
    with pytest.raises(UsageError, match="must be a UUID"):
        scheduler.run(leaf(1), execution_id="mine")
