"""Running generated programs with the real engine."""

from __future__ import annotations

import importlib.util
import itertools
import linecache
import os
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from redun import Scheduler
from redun.backends.base import Backend
from redun.config import Config
from redun.scheduler.events import JobEvent
from truth_programs import Program
from truth_runtime import LOG_VARIABLE, log_key

_numbers = itertools.count(1)


class Ran(NamedTuple):
    """What came of a run.

    bodies: how often each body ran. done: the calls that observers were told to be done.
    """

    value: Any
    error: BaseException | None
    bodies: Counter[str]
    done: frozenset[str]


Sections = dict[str, dict[str, Any]]


class Engine:
    """Runs the editions of a program one after the other, on repositories that it opens anew each time.

    folder: on `sys.path`, also of worker processes. sections: the configuration, with the executors `default`, `loop`
    (for async tasks) and `sub` (for sub-runs).
    """

    def __init__(self, folder: Path, sections: Sections) -> None:
        self._name = f"truth_case_{next(_numbers)}"
        self._path = folder / f"{self._name}.py"
        self._sections = sections
        self._log = folder / "ran.log"
        self._log.touch()
        os.environ[LOG_VARIABLE] = str(self._log)

    def run(
        self,
        program: Program,
        backend: Backend,
        context: dict[str, Any],
        *,
        cache: bool = True,
        dryrun: bool = False,
        stop_after: int = 0,
    ) -> Ran:
        """Evaluate a program.

        stop_after: a number of events after which an observer ends the run as Ctrl-C would; 0 for never.
        """
        self._path.write_text(program.source())
        observer = Observer(stop_after)
        scheduler = Scheduler(Config(self._sections), backend, observers=[observer])
        value, error = None, None
        try:
            module = _load(self._name, self._path)
            value = scheduler.run(module.root(), cache=cache, dryrun=dryrun, context=context)
        except (Exception, KeyboardInterrupt) as raised:
            error = raised
        finally:
            sys.modules.pop(self._name, None)
            linecache.cache.pop(str(self._path), None)
            self._path.unlink()
            _wait_for_threads()
        return Ran(value, error, self._read_log(), frozenset(observer.done))

    def _read_log(self) -> Counter[str]:
        lines = self._log.read_text().splitlines()
        os.truncate(self._log, 0)
        return Counter(lines)


class Observer:
    """Notes what is done, and ends the run after some events."""

    def __init__(self, stop_after: int) -> None:
        self.done: set[str] = set()
        self._left = stop_after

    def handle(self, events: Sequence[JobEvent]) -> None:
        for event in events:
            if event.kind == "done":
                self.done.add(log_key(event.task_name.rpartition(".")[2], (*event.args, *event.kwargs.values())))
        if self._left > 0:
            self._left -= len(events)
            if self._left <= 0:
                raise KeyboardInterrupt


def _load(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _wait_for_threads() -> None:
    """A call that a failing run has abandoned must not write to the log of the next one."""
    for thread in threading.enumerate():
        if thread.name.startswith("redun-"):
            thread.join(30)
            assert not thread.is_alive()
