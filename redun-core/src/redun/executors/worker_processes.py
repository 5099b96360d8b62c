"""The scheduler's side of a process that runs one call: how to start it, and what became of it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from redun.errors import WorkerDiedError
from redun.executors.transport import decode_outcome

if TYPE_CHECKING:
    from redun.executors.base import TaskCall
    from redun.executors.transport import Outcome

_CRASH = "compiled code, such as that of an extension module, has crashed, or a recursion was deeper than the stack"
_HINTS = {
    "SIGKILL": "often the system has run out of memory",
    "SIGSEGV": _CRASH,
    "SIGBUS": _CRASH,
    "SIGILL": _CRASH,
    "SIGFPE": _CRASH,
    "SIGABRT": "compiled code has given up; what it wrote to stderr may say why",
    "SIGTERM": "somebody, or a system that shuts down, has told it to end",
    "SIGXCPU": "it has used up its processor time",
}
"""What a signal may mean that has ended a process which ran a task."""


def worker_command(python: str = sys.executable) -> list[str]:
    """The command that runs one call in a Python interpreter of its own.

    python: the interpreter; redun-core and whatever the tasks import must be installed there. Without a slash it is
    looked for on the PATH, here or wherever the command is run.

    Give the process the message of `encode_call` on standard input and end that. It writes the outcome to standard
    output, everything else to standard error, and ends: `read_outcome` says what happened. The environment and the
    working directory are those that the caller gives to the process.
    """
    # -P: a module in the working directory must not take the place of one of the standard library.
    return [python, "-P", "-m", "redun.executors.worker"]


def read_outcome(call: TaskCall, output: bytes, exit_code: int) -> Outcome:
    """What became of a call that a process ran with `worker_command`.

    output: all that the process wrote to standard output.
    exit_code: how it ended, as `subprocess.Popen.returncode` gives it (negative: a signal).

    Raises `WorkerDiedError` when the process ended before it had reported.
    """
    if exit_code or not output:
        raise WorkerDiedError(
            f"The process that ran task {call.target.full_name} ended before it reported a result: "
            f"it {describe_exit(exit_code)}."
        )
    return decode_outcome(call.target.full_name, output)


def describe_exit(exit_code: int) -> str:
    """How a process ended, and what that may mean.

    exit_code: as `subprocess` and `multiprocessing` give it; negative for a signal.
    """
    if exit_code >= 0:
        return (
            f"ended with exit code {exit_code}: the task, or a library that it uses, has ended the process or "
            "closed files that are not its own; what it wrote to stderr may say why"
        )
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    hint = _HINTS.get(name)
    return f"was ended by {name}: {hint}" if hint else f"was ended by {name}"
