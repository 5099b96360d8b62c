"""`redun run --pdb`: Python's debugger, where the workflow failed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redun.errors import describe_error
from redun.log_lines import printable

if TYPE_CHECKING:
    from types import TracebackType

_NOTHING_LEFT = (
    "redun: --pdb: the task that failed has left no frames here. Have it run in a thread of this process, such as with "
    "the option mode = thread of the local executor"
)


def debug(error: BaseException) -> None:
    """Open the debugger in the innermost frame of an error. It returns when somebody quits it."""
    frames = _own_frames(error.__traceback__)
    if frames is None:
        print(_NOTHING_LEFT, file=sys.stderr)
        return
    import pdb

    debugger: Any = pdb.Pdb()
    debugger.message(printable(f"redun: stopped at {describe_error(error)}"))
    debugger.reset()
    debugger.interaction(None, frames)


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """A traceback from the first frame on that is the workflow's."""
    from redun.scheduler.failures import HIDDEN_MODULES

    hidden = tuple(f"{package}." for package in HIDDEN_MODULES)
    while frames is not None and f"{frames.tb_frame.f_globals.get('__name__', '')}.".startswith(hidden):
        frames = frames.tb_next
    return frames
