"""Every call in a Python interpreter of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from redun.errors import ExecutorError
from redun.executors import (
    BlockingExecutor,
    Capabilities,
    Returned,
    ScriptProcess,
    encode_call,
    read_outcome,
    run_script_call,
    worker_command,
)

if TYPE_CHECKING:
    from redun.executors import Cancellation, Outcome, TaskCall


class SubprocessExecutor(BlockingExecutor):
    """Runs every call in a fresh Python interpreter, which starts with nothing but what the task imports.

    name: what tasks call it: `@task(executor=name)`.
    slots: how many interpreters run at once, at most.
    python: the interpreter; a task may choose another one with its option `python`.

    A call that is cancelled is killed, with every program that it has started.
    """

    capabilities = Capabilities(scripts=True, cancel=True, abandons_running=True)

    def __init__(self, name: str, slots: int = 2, python: str = sys.executable) -> None:
        super().__init__(name, slots)
        self.python = python

    def run(self, call: TaskCall, cancellation: Cancellation) -> Outcome:
        """Start an interpreter, send it the call, and wait for the outcome."""
        if call.target.is_script:
            script = ScriptProcess()
            with cancellation.stops_with(script.cancel):
                return Returned(run_script_call(call, script))
        message = encode_call(call)
        command = worker_command(call.options.get("python") or self.python)
        try:
            # In a session of its own: Ctrl-C reaches the scheduler only, and the call can be killed with its children.
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            raise ExecutorError(
                f"Executor {self.name!r} cannot start {command[0]!r} for task {call.target.full_name}: "
                f"{error.strerror}. The option `python` must name a Python interpreter that has redun-core."
            ) from error
        with process, cancellation.stops_with(partial(kill, process)):
            output, _ = process.communicate(message)
        return read_outcome(call, output, process.returncode)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session, and what it has started."""
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.killpg(process.pid, signal.SIGKILL)
