"""Progress of copies on a terminal: one line, drawn anew some times a second and taken away at the end."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.text import Text

_REFRESH = 1 / 8
_FIRST_DRAWN_AFTER = 0.5


class CopyProgress:
    """What has been copied so far, as a line of text."""

    def __init__(self, what: str) -> None:
        """Make one.

        what: what is going on, such as "Pushing to repo 'shared'".
        """
        self._what = what
        self._counts: Counter[str] = Counter()
        self._started = time.monotonic()

    def tell(self, counts: Counter[str]) -> None:
        """Take note of how many records of each kind have been copied so far."""
        self._counts = Counter(counts)

    def line(self, width: int) -> str:
        """The line as it looks now, for a terminal with this many columns: what does not fit is left out."""
        seconds = f"{time.monotonic() - self._started:.0f} s"
        counts = self._counts
        if not counts.total():
            parts = [f"{self._what}: looking for what is new"]
        else:
            parts = [f"{self._what}: {counts.total():,} records"]
            parts += [f"{count:,} {kind.replace('_', ' ')}" for kind, count in counts.most_common()]
        shown = [*parts[:1], seconds]
        for part in parts[1:]:
            if len(", ".join([*shown, part])) > width:
                break
            shown.insert(-1, part)
        return ", ".join(shown)[:width]


@contextmanager
def copy_progress(what: str) -> Iterator[Callable[[Counter[str]], None]]:
    """Show the progress of a copy while a `with` block runs; it gives the function to call with the counts.

    Nothing is shown where stderr is no terminal, and rich is not imported before there is something to draw.
    """
    progress = CopyProgress(what)
    if not sys.stderr.isatty():
        yield progress.tell
        return
    stop = threading.Event()
    thread = threading.Thread(target=_draw, args=(progress, stop), name="redun-copy-progress", daemon=True)
    thread.start()
    try:
        yield progress.tell
    finally:
        stop.set()
        thread.join(timeout=2)


def _draw(progress: CopyProgress, stop: threading.Event) -> None:
    if stop.wait(_FIRST_DRAWN_AFTER):
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    def shown(console: Console) -> Text:
        return Text(progress.line(console.width - 1), style="dim", no_wrap=True)

    if stop.is_set():
        return
    # What is copied may go to standard output.
    live = Live(console=Console(stderr=True), auto_refresh=False, transient=True, redirect_stdout=False)
    with live:
        while True:
            live.update(shown(live.console), refresh=True)
            if stop.wait(_REFRESH):
                return
