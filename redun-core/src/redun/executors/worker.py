"""One call in a process of its own: `python -m redun.executors.worker`.

The message of `encode_call` comes in on standard input, which has to end, and the message for `decode_outcome` goes out
on standard output. What the task and the programs that it starts print goes to standard error, so that it cannot get
into the outcome.

The exit code is 0 when the outcome was written, also for a task that raised.
"""

from __future__ import annotations

import contextlib
import os
import sys
from io import TextIOWrapper

from redun.executors.transport import run_encoded_call


def main() -> None:
    """Run the call that comes in on standard input."""
    message = sys.stdin.buffer.read()
    outcome = os.dup(1)  # programs that the task starts do not inherit it
    os.dup2(2, 1)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in its order with what goes to standard error
    # Nor do copies of this process: one that outlives it would keep the other side waiting for the end of the outcome.
    os.register_at_fork(after_in_child=lambda: _close(outcome))
    with os.fdopen(outcome, "wb") as stream:
        stream.write(run_encoded_call(message))


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # closed already
        os.close(descriptor)


if __name__ == "__main__":
    main()
