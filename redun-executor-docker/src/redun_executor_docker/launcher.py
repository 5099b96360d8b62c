"""Starting containers: never more at once than there may be, the others in the order in which they came."""

from __future__ import annotations

import contextlib
import enum
import os
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redun_executor_docker.errors import ContainerStartError, EngineError
from redun_executor_docker.run_command import run_words
from redun_executor_docker.start_failures import NOT_FOUND, REFUSED, is_unavailable, why_not_started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from redun_executor_docker.engine import Engine
    from redun_executor_docker.options import ContainerOptions

STARTERS = 8
"""Containers that are being started at the same time, at most: an engine does little of it side by side."""

PATIENCE = 10.0
"""Seconds for which a cancelled start may go on before the command is ended that starts it."""


class Stage(enum.Enum):
    """How far the start of a container is."""

    QUEUED = "queued"
    STARTING = "starting"
    STARTED = "started"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Order:
    """A container to start."""

    container: str
    """Its name."""
    command: tuple[str, ...]
    options: ContainerOptions
    """With absolute paths of volumes."""
    labels: Mapping[str, str]
    stage: Stage = Stage.QUEUED
    error: EngineError | None = None
    """Why it has not been started."""
    settled: threading.Event = field(default_factory=threading.Event)
    """The start has succeeded or failed."""
    process: subprocess.Popen[str] | None = None
    """The command that starts it, while it does."""


class Launcher:
    """Starts containers on threads of its own, which begin when there is something to do.

    max_workers: how many containers there may be.
    environment: makes the variables that a container gets, by name.
    """

    def __init__(self, engine: Engine, max_workers: int, environment: Callable[[], Mapping[str, str]]) -> None:
        self._engine = engine
        self._max_workers = max_workers
        self._environment = environment
        # Guards everything below. Nothing waits for the engine while it is held.
        self._change = threading.Condition()
        self._queue: deque[Order] = deque()
        self._orders: dict[str, Order] = {}
        self._taking_room: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False
        # There is one terminal.
        self._terminal = threading.Lock()

    def put(self, order: Order) -> None:
        """Start a container when there is room for it. Raises `EngineError` after `close`."""
        with self._change:
            if self._closed:
                raise EngineError("no container can be started any more: the executor was stopped")
            self._orders[order.container] = order
            self._queue.append(order)
            if self._idle < len(self._queue) and len(self._threads) < min(STARTERS, self._max_workers):
                thread = threading.Thread(target=self._work, name="redun-docker-start", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._change.notify()

    def order(self, container: str) -> Order | None:
        """What is to be started, or was, under this name; None for what others have started."""
        return self._orders.get(container)

    def adopt(self, containers: Iterable[str]) -> None:
        """Count containers that an earlier scheduler has started."""
        with self._change:
            self._taking_room.update(containers)

    def ended(self, containers: Iterable[str]) -> None:
        """Forget these containers, and start others in their place."""
        with self._change:
            for container in containers:
                self._orders.pop(container, None)
                self._taking_room.discard(container)
            self._change.notify_all()

    def cancel(self, containers: Iterable[str]) -> frozenset[str]:
        """Start none of these any more. Returns when no start of one of them is under way.

        Returns those of them that never came to be.
        """
        with self._change:
            chosen = [self._orders[container] for container in containers if container in self._orders]
            waiting = {id(order) for order in chosen if order.stage is Stage.QUEUED}
            if waiting:
                self._queue = deque(order for order in self._queue if id(order) not in waiting)
            for order in chosen:
                if id(order) in waiting:
                    self._settle(order, ContainerStartError("The container was cancelled before it was started."))
        # A container in the foreground has begun: its end, which is not waited for here, ends its start.
        _wait_for([order for order in chosen if not order.options.interactive])
        return frozenset(order.container for order in chosen if order.stage is Stage.FAILED)

    def close(self) -> None:
        """Start nothing any more, and wait for what is being started."""
        with self._change:
            self._closed = True
            begun = [order for order in self._orders.values() if order.stage is Stage.STARTING]
            for order in begun:
                if order.options.interactive and order.process is not None:
                    order.process.terminate()
            threads, self._threads = self._threads, []
            self._change.notify_all()
        _wait_for(begun)
        for thread in threads:
            thread.join(PATIENCE)

    def _work(self) -> None:
        while True:
            order = self._take()
            if order is None:
                return
            error: EngineError | None = None
            try:
                self._start(order)
            except EngineError as problem:
                error = problem
            except Exception as problem:
                error = ContainerStartError(f"The container cannot be started: {type(problem).__name__}: {problem}")
            with self._change:
                self._settle(order, error)

    def _take(self) -> Order | None:
        """The next order that there is room for; None when there will be none any more."""
        with self._change:
            self._idle += 1
            try:
                while not self._closed and (not self._queue or len(self._taking_room) >= self._max_workers):
                    self._change.wait()
            finally:
                self._idle -= 1
            if self._closed:
                return None
            order = self._queue.popleft()
            order.stage = Stage.STARTING
            self._taking_room.add(order.container)
            return order

    def _settle(self, order: Order, error: EngineError | None) -> None:
        """Say how a start has ended. The lock is held."""
        order.stage, order.error, order.process = (Stage.FAILED if error else Stage.STARTED), error, None
        if error:
            self._taking_room.discard(order.container)
            self._change.notify_all()
        order.settled.set()

    def _start(self, order: Order) -> None:
        """Start a container. Raises `EngineError`; then there is none."""
        environment = self._environment() if order.options.include_aws_env else {}
        has_terminal = os.isatty(0) and os.isatty(1)
        words = run_words(
            order.container,
            order.command,
            order.options,
            order.labels,
            environment,
            is_podman=self._engine.is_podman,
            has_terminal=has_terminal,
        )
        if order.options.interactive:
            with self._terminal:
                order.process = self._engine.start_foreground(words, environment)
                code = order.process.wait()
            # From 125 to 127 it may be the command that says so, or the container.
            failed = REFUSED <= code <= NOT_FOUND and not self._has_run(order.container)
            text = "docker run has failed; it says why above"
        else:
            order.process = self._engine.start(words, environment)
            text = order.process.communicate()[1]
            failed = order.process.returncode != 0
            code = order.process.returncode
        if failed:
            self._engine.remove([order.container])  # some failures leave it behind
            if is_unavailable(text):
                raise self._engine.unavailable(text)
            raise ContainerStartError(why_not_started(code, text, order.options, order.command))

    def _has_run(self, container: str) -> bool:
        facts = self._engine.inspect([container]).get(container)
        return facts is not None and facts.status != "created"


def _wait_for(orders: Sequence[Order]) -> None:
    """Wait until these are settled; the command that starts one is ended where that takes long."""
    until = time.monotonic() + PATIENCE
    for order in orders:
        patience = until - time.monotonic()
        if not order.settled.wait(max(0.0, patience)) and order.process is not None:
            with contextlib.suppress(OSError, AttributeError):  # it may be over by now
                order.process.terminate()
    for order in orders:
        order.settled.wait(max(0.0, until + PATIENCE - time.monotonic()))
