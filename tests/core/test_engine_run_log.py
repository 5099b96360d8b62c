"""What the log tells of a run that a Python program starts."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.executors.inline import InlineExecutor
from redun.scheduler import subrun

redun_namespace = "run_log"


@task(cache=False)
def inverse(x: float) -> float:
    return 1 / x


@task(cache=False)
def main(x: float) -> Any:
    return [inverse(x)]


def texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_run_logs_its_jobs_and_at_the_end_a_table_and_the_duration(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "redun"):
        scheduler.run(main(2))
    start, *jobs, table, duration = texts(caplog)
    short = scheduler.execution_id[:8]
    assert start.startswith(f"Start Execution {scheduler.execution_id}: ")
    assert jobs == [
        f"Run    Job {short}.1: run_log.main(x=2) on default",
        f"Run    Job {short}.2: run_log.inverse(x=2) on default",
    ]
    assert "| run_log.inverse       0       0       0       0       1       1" in table
    assert duration.startswith("Execution duration: ")


def test_a_failed_run_logs_a_traceback_in_terms_of_tasks_last_and_once(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "redun"), pytest.raises(ZeroDivisionError):
        scheduler.run(main(0))
    failures = [record for record in caplog.records if "Traceback" in record.getMessage()]
    assert failures == caplog.records[-1:]
    assert failures[0].levelno == logging.ERROR
    lines = failures[0].getMessage().splitlines()
    assert lines[:2] == ["the workflow failed.", "Traceback (most recent task last):"]
    assert "in run_log.main" in lines[2]
    assert "    x = 0" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_without_a_log_only_the_traceback_of_a_failure_is_told(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "redun"), pytest.raises(ZeroDivisionError):
        scheduler.run(main(0))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize("level", [logging.CRITICAL, logging.INFO])
def test_no_traceback_is_logged_where_nobody_wants_it(level: int, caplog: pytest.LogCaptureFixture) -> None:
    wants = level > logging.ERROR
    scheduler = Scheduler(backend=MemoryBackend(), executor=InlineExecutor("default"), use_task_traceback=wants)
    with caplog.at_level(level, "redun"), pytest.raises(ZeroDivisionError):
        scheduler.run(main(0))
    assert not [text for text in texts(caplog) if "Traceback" in text]


def test_the_logger_that_a_scheduler_is_given_is_the_one_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    scheduler = Scheduler(
        backend=MemoryBackend(), executor=InlineExecutor("default"), logger=logging.getLogger("of_my_own")
    )
    with caplog.at_level(logging.INFO, "of_my_own"):
        scheduler.run(main(2))
    assert {record.name for record in caplog.records} == {"of_my_own"}
    assert [text for text in texts(caplog) if "run_log.inverse(x=2)" in text]


def test_two_runs_log_each_job_once(scheduler: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "redun"):
        scheduler.run(main(2))
        scheduler.run(main(4))
    assert len([text for text in texts(caplog) if "run_log.main(" in text]) == 2
    assert not scheduler.observers


def test_the_jobs_of_a_sub_run_are_logged_and_the_handlers_of_the_program_stay(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("redun")
    before = list(logger.handlers), logger.propagate
    with caplog.at_level(logging.INFO, "redun"):
        scheduler.run(subrun(inverse(4), executor="default", load_modules=[]))
    assert len([text for text in texts(caplog) if "run_log.inverse(x=4) on " in text]) == 1
    assert (list(logger.handlers), logger.propagate) == before


def test_a_run_that_nobody_watches_does_not_even_import_what_writes_lines() -> None:
    program = (
        "import sys, redun\n"
        "redun.Scheduler().run([1, 2])\n"
        "print('redun.scheduler.job_lines' in sys.modules, 'redun.scheduler.run_log' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "False"]
    assert done.stderr == ""
