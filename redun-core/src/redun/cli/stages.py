"""What commands that take a while show of it on a terminal: one line, which goes away at the end. And sizes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_UNITS = ("kB", "MB", "GB", "TB")


class Stages:
    """Shows on stderr which stage has been reached, if that is a terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._start = time.monotonic()

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def tell(self, stage: str) -> None:
        """Show a stage in the place of the one before."""
        if self._is_shown:
            print(f"\r\x1b[K{time.monotonic() - self._start:5.1f} s  {stage}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away, to print something else."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def bytes_text(size: int) -> str:
    """A number of bytes as people read it."""
    if size < 1000:
        return f"{size} B"
    number = float(size)
    for unit in _UNITS:
        number /= 1000
        if number < 999.5 or unit == _UNITS[-1]:
            break
    return f"{number:.1f} {unit}"
