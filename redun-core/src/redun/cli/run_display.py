"""What is shown while a workflow runs."""

from __future__ import annotations

import logging
import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from redun.cli.signals import ends_in_order
from redun.log_lines import logger
from redun.scheduler.job_lines import JobLines
from redun.scheduler.run_log import progress_logged, status_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.scheduler import Scheduler


@contextmanager
def display_run(scheduler: Scheduler) -> Iterator[None]:
    """Show the progress of a run: a live table on a terminal, else lines and now and then a table.

    At the end there is always a table. What a workflow fails with is left to the caller to show.
    """
    scheduler.logs_runs = False
    is_live = sys.stderr.isatty() and logger.isEnabledFor(logging.INFO)
    interval = 0 if is_live else status_interval(scheduler)
    with progress_logged(logger, scheduler.job_counts, interval), ends_in_order(), _progress(scheduler, is_live):
        yield


def _progress(scheduler: Scheduler, is_live: bool) -> AbstractContextManager[Any]:
    if is_live:
        from redun.cli.live_progress import LiveProgress

        return LiveProgress(scheduler.job_counts)
    if not any(isinstance(observer, JobLines) for observer in scheduler.observers):
        scheduler.observers.append(JobLines())
    return nullcontext()
