"""What the log tells of a run: lines about its jobs, a table of them now and then, and how long it took."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from redun.scheduler.job_lines import JobLines
from redun.scheduler.status_table import status_report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from redun.scheduler.run import Run
    from redun.scheduler.scheduler import Scheduler

    JobCounts = Callable[[], Mapping[str, Sequence[int]]]


def logged_run(scheduler: Scheduler, run: Run) -> AbstractContextManager[None]:
    """Log the progress of a run, which is to go on in a `with` block."""
    run.observers.direct.append(JobLines(scheduler.logger))
    return progress_logged(scheduler.logger, run.job_counts, status_interval(scheduler))


def status_interval(scheduler: Scheduler) -> float:
    """Seconds between status tables; 0 for none but the last."""
    if scheduler.job_status_interval is not None:
        return scheduler.job_status_interval
    from redun.config.build import scheduler_settings

    return scheduler_settings(scheduler.config).job_status_interval


@contextmanager
def progress_logged(logger: logging.Logger, job_counts: JobCounts, interval: float = 0) -> Iterator[None]:
    """Log the table of jobs while a `with` block runs, and at its end the last one and the duration.

    job_counts: what the table shows, see `Scheduler.job_counts`.
    interval: seconds between tables; 0 for none but the last.
    """
    started = time.monotonic()
    stop = threading.Event()

    def repeat() -> None:
        while not stop.wait(interval):
            log_table(logger, job_counts)

    thread = threading.Thread(target=repeat, name="redun-status", daemon=True)
    if interval > 0:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if interval > 0:
            thread.join(timeout=2)
        log_table(logger, job_counts)
        logger.info("Execution duration: %.2f seconds", time.monotonic() - started)


def log_table(logger: logging.Logger, job_counts: JobCounts) -> None:
    """Log the table of jobs by task and state."""
    if logger.isEnabledFor(logging.INFO):
        logger.info("%s", "\n".join(["", *status_report(job_counts())]))
