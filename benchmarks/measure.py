"""Runs a command and says what it took."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KILOBYTES_PER_MEGABYTE = 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a command, as the operating system saw it."""

    seconds: float
    megabytes: float
    """The most memory that the process, or one of its children, held at a time."""
    cpu_seconds: float
    """Processor time of the process and its children, in user and system mode."""
    exit_code: int
    output: str
    """Standard output and standard error together."""


def measure(command: Sequence[str], folder: Path, *, environment: Mapping[str, str], timeout: float) -> Sample:
    """Run a command in a folder, its output going to a file, and kill it after `timeout` seconds."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        watchdog = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
        watchdog.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            watchdog.cancel()
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Sample(seconds, usage.ru_maxrss / KILOBYTES_PER_MEGABYTE, cpu_seconds, process.returncode, text)
