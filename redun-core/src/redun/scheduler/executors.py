"""The executors of a scheduler: found by name, started while a run needs them, and heard through one sink."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError, ExecutorError, PluginError, RedunError, SchedulerError
from redun.executors.alias import AliasExecutor
from redun.executors.base import Executor, ExecutorContext
from redun.scheduler import reports
from redun.scheduler.awaiting import refuse
from redun.scheduler.job import ATTEMPT_SHIFT

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    from redun.scheduler.run import Run

RUN_BITS = ATTEMPT_SHIFT + 8
"""A job's id, as executors see it, holds the number of the run above this many bits for the ticket of the job."""

_TICKET = (1 << RUN_BITS) - 1


class Sink:
    """Passes the reports of executors on to the runs that they belong to; drops those to a run that has ended."""

    def __init__(self, logger: logging.Logger) -> None:
        self.runs: dict[int, Run] = {}
        self._logger = logger

    def _report(self, kind: int, job_id: int, payload: Any, detail: Any = None) -> None:
        run = self.runs.get(job_id >> RUN_BITS)
        if run is not None:
            run.inbox.put(kind, job_id & _TICKET, payload, detail)

    def started(self, job_id: int) -> None:
        """The body has begun to run: what counts for its time-out. The run need not be woken for any other job."""
        run = self.runs.get(job_id >> RUN_BITS)
        if run is not None:
            entry = run.dispatcher.in_flight.get(job_id & _TICKET)
            if entry is not None and entry[0].options.timeout is not None:
                run.inbox.put(reports.STARTED, job_id & _TICKET)

    def done(self, job_id: int, value: Any) -> None:
        """The body returned this value."""
        self._report(reports.DONE, job_id, value)

    def failed(self, job_id: int, error: BaseException, traceback: str | None = None) -> None:
        """The body raised, or the call could not be run."""
        self._report(reports.FAILED, job_id, error, traceback)

    def cancelled(self, job_id: int) -> None:
        """The call was stopped or never begun."""
        self._report(reports.CANCELLED, job_id, None)

    def evaluate(self, job_id: int, expression: Any, answer: Callable[[Any, BaseException | None], None]) -> None:
        """Evaluate an expression as a child of the job."""
        run = self.runs.get(job_id >> RUN_BITS)
        if run is None:
            refuse(answer)
        else:
            run.inbox.put(reports.AWAITS, job_id & _TICKET, expression, answer)

    def tag(self, job_id: int, key: str, value: Any) -> None:
        """Attach a tag to the job."""
        self._report(reports.TAG, job_id, key, value)

    def log(self, job_id: int, text: str) -> None:
        """Show a line about this job."""
        run = self.runs.get(job_id >> RUN_BITS)
        if run is not None:
            name = run.job_name(job_id & _TICKET)
            self._logger.info("Job %s%s: %s", name[:8], name[name.rindex(".") :], text)

    def broken(self, error: BaseException) -> None:
        """End every run with this error."""
        for run in list(self.runs.values()):
            run.inbox.put(reports.BROKEN, 0, error)


class ExecutorPool:
    """Knows the executors by name, makes configured ones when they are first needed, and counts who uses them.

    make: makes the executor that the configuration describes under a name.
    """

    def __init__(
        self, names: list[str], make: Callable[[str], Executor], config_dir: Path, logger: logging.Logger
    ) -> None:
        self.by_name: dict[str, Executor] = {}
        self.sink = Sink(logger)
        self._configured = names
        self._make = make
        self._config_dir = config_dir
        self._logger = logger
        self._users: dict[int, int] = {}

    @property
    def names(self) -> list[str]:
        """The names that tasks can select."""
        return list(dict.fromkeys([*self._configured, *self.by_name]))

    def take(self, name: str) -> Executor:
        """The executor of a name, be it an alias. Raises `KeyError` when there is none."""
        if name not in self.names:
            raise KeyError(name)
        return self._find_one(name)

    def remove(self, name: str) -> None:
        """Forget an executor. Raises `KeyError` when there is none."""
        if name not in self.names:
            raise KeyError(name)
        self._configured = [one for one in self._configured if one != name]
        self.by_name.pop(name, None)

    def add(self, executor: Executor) -> None:
        """Add an executor, or replace the one of the same name."""
        self.by_name[executor.name] = executor

    def find(self, name: str) -> Executor:
        """The executor of a name, through any number of aliases.

        Raises `SchedulerError` when there is none, or when aliases go round in a circle.
        """
        seen = [name]
        executor = self._find_one(name)
        while isinstance(executor, AliasExecutor):
            target = executor.target
            if isinstance(target, Executor):
                executor = target
                continue
            if target in seen:
                raise SchedulerError(f"executors are aliases of each other: {' -> '.join([*seen, target])}")
            seen.append(target)
            executor = self._find_one(target)
        return executor

    def _find_one(self, name: str) -> Executor:
        executor = self.by_name.get(name)
        if executor is not None:
            return executor
        if name not in self._configured and name == "inline":
            from redun.executors.inline import InlineExecutor

            executor = InlineExecutor(name)
        elif name not in self._configured:
            raise SchedulerError(f'Unknown executor "{name}". There are: {", ".join(self.names)}')
        else:
            try:
                executor = self._make(name)
            except (ConfigError, PluginError) as error:
                raise SchedulerError(str(error)) from None
        self.by_name[name] = executor
        return executor

    def start(self, executor: Executor, execution_id: str, project: str) -> None:
        """Start an executor for a run, unless another run uses it already."""
        users = self._users.get(id(executor), 0)
        if not users:
            import tempfile  # takes some milliseconds, which not every run needs

            scratch = Path(tempfile.gettempdir()) / f"redun-{execution_id}"
            context = ExecutorContext(self._config_dir, execution_id, project, scratch, self._logger)
            try:
                executor.start(context, self.sink)
            except RedunError:
                raise
            except Exception as error:  # of a plugin
                reason = f"{type(error).__name__}: {error}"
                raise ExecutorError(f"the executor {executor.name!r} cannot be started: {reason}") from error
        self._users[id(executor)] = users + 1

    def stop(self, executor: Executor) -> None:
        """A run is done with an executor; the last one stops it."""
        self._users[id(executor)] -= 1
        if not self._users[id(executor)]:
            executor.stop()


class ExecutorsByName(MutableMapping[str, Executor]):
    """The executors of a pool as a mapping. They are made when they are taken out of it."""

    def __init__(self, pool: ExecutorPool) -> None:
        self._pool = pool

    def __getitem__(self, name: str) -> Executor:
        return self._pool.take(name)

    def __setitem__(self, name: str, executor: Executor) -> None:
        self._pool.by_name[name] = executor

    def __delitem__(self, name: str) -> None:
        self._pool.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._pool.names)

    def __len__(self) -> int:
        return len(self._pool.names)

    def __contains__(self, name: object) -> bool:
        return name in self._pool.names

    def __repr__(self) -> str:
        return f"<executors {', '.join(self)}>"
