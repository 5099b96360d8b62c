"""What is shown while a workflow runs."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from redun.cli.job_lines import JobLines
from redun.cli.signals import ends_in_order
from redun.log_lines import logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.scheduler import Scheduler


@contextmanager
def display_run(scheduler: Scheduler) -> Iterator[None]:
    """Show the progress of a run: a live table on a terminal, else lines and now and then a table.

    At the end there is always a table.
    """
    started = time.monotonic()
    try:
        with ends_in_order(), _progress(scheduler):
            yield
    finally:
        _log_table(scheduler)
        logger.info("Execution duration: %.2f seconds", time.monotonic() - started)


def _progress(scheduler: Scheduler) -> AbstractContextManager[Any]:
    if sys.stderr.isatty() and logger.isEnabledFor(logging.INFO):
        from redun.cli.live_progress import LiveProgress

        return LiveProgress(scheduler.job_counts)
    scheduler.observers.append(JobLines())
    interval = _status_interval(scheduler)
    return _repeated_table(scheduler, interval) if interval > 0 else nullcontext()


def _status_interval(scheduler: Scheduler) -> float:
    if scheduler.job_status_interval is not None:
        return scheduler.job_status_interval
    from redun.config.build import scheduler_settings

    return scheduler_settings(scheduler.config).job_status_interval


@contextmanager
def _repeated_table(scheduler: Scheduler, interval: float) -> Iterator[None]:
    stop = threading.Event()

    def repeat() -> None:
        while not stop.wait(interval):
            _log_table(scheduler)

    thread = threading.Thread(target=repeat, name="redun-status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=2)


def _log_table(scheduler: Scheduler) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    logger.info("%s", "\n".join(["", *scheduler.get_job_status_report()]))
