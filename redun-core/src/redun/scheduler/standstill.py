"""When nothing runs and yet the root has no value: what a run waits for, or why it never can go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from redun.errors import SchedulerError
from redun.scheduler.errors import DryRunResult
from redun.scheduler.failures import describe_arguments

if TYPE_CHECKING:
    from redun.scheduler.job import Job
    from redun.scheduler.run import Run

PATIENCE = 5.0
"""Seconds after which a line of the log says that a run waits for somebody else."""


class Standstill:
    """Looks after one run when no executor works for it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._since: float | None = None
        self._has_warned = False

    def begin(self) -> bool:
        """Called before the run goes to sleep. Whether it can go on instead, because a job that cannot end has failed.

        Raises `DryRunResult` and `SchedulerError` where there is nothing to wait for.
        """
        run = self._run
        self._since = None
        in_flight = run.dispatcher.in_flight
        if run.attempts.retrying or not all(job.awaited for job, _ in in_flight.values()):
            return False
        if run.calls.blocked_by_dry_run and not in_flight:
            raise DryRunResult("dry run: at least one task would have to run")
        waiting = _find_circle(run.equal_calls.following)
        if waiting is not None:
            run.equal_calls.stop_following(waiting)
            run.outcomes.fail(waiting, SchedulerError(_describe(waiting)))
            return True
        if not in_flight:
            if not run.reducer.open_promises:
                raise SchedulerError(
                    "the workflow cannot go on: nothing runs, and what is left waits for a promise that nobody settles"
                )
            self._since = time.monotonic()
        return False

    @property
    def seconds_left(self) -> float | None:
        """How long until there is something to say; None for nothing."""
        if self._since is None or self._has_warned:
            return None
        return max(0.0, self._since + PATIENCE - time.monotonic())

    def tell(self) -> None:
        """Say what is waited for, once."""
        if self.seconds_left == 0:
            self._has_warned = True
            names = ", ".join(sorted(set(self._run.reducer.open_promises.values())))
            self._run.logger.warning(
                "Nothing runs: the workflow waits for a promise that a scheduler task has returned, and that something "
                "outside of the workflow has to settle (%s). Ctrl-C ends it",
                names,
            )


def _find_circle(following: dict[Job, Job]) -> Job | None:
    """A job that waits for an equal one, which waits for it in turn: one of those that close a circle.

    following: the jobs that wait for an equal one, and that one.

    A job waits for all that are below it. So a job that is equal to another one leads to every waiting job below that.
    """
    leaders = set(following.values())
    below: dict[Job, list[Job]] = {leader: [] for leader in leaders}
    for follower in following:
        above = follower.parent
        while above is not None:
            if above in leaders:
                below[above].append(follower)
            above = above.parent
    begun: set[Job] = set()
    for first in following:
        path = [(first, iter(below[following[first]]))]
        on_path = {following[first]: None}
        while path:
            follower, rest = path[-1]
            step = next(rest, None)
            if step is None:
                path.pop()
                on_path.pop(following[follower], None)
            elif following[step] in on_path:
                return step
            elif step not in begun:
                begun.add(step)
                path.append((step, iter(below[following[step]])))
                on_path[following[step]] = None
    return None


def _describe(job: Job) -> str:
    names = [job.info.fullname]
    above = job.parent
    while above is not None and above.number and len(names) < 10:
        names.append(above.info.fullname)
        if above.key == job.key:
            break
        above = above.parent
    else:
        names = []
    arguments = ", ".join(describe_arguments(job))
    circle = f": {' -> '.join(reversed(names))}" if len(names) > 2 else ""
    return f"task {job.info.fullname!r} ({arguments}) waits for its own result{circle}"
