"""Progress on a terminal: a small table that is drawn anew some times a second, and costs nothing per job."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from redun.scheduler.status_table import COLUMNS, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.table import Table

_REFRESH = 1 / 8
_FIRST_DRAWN_AFTER = 0.3
_MAX_ROWS = 15


class LiveProgress:
    """Shows counts while a `with` block runs, and takes the table away at its end.

    Short runs end before anything is drawn, and so never import rich.
    """

    def __init__(self, job_counts: Callable[[], Mapping[str, Sequence[int]]]) -> None:
        self._job_counts = job_counts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="redun-progress", daemon=True)
        self._started = time.monotonic()

    def __enter__(self) -> LiveProgress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def _draw(self) -> None:
        if self._stop.wait(_FIRST_DRAWN_AFTER):
            return
        from rich.console import Console
        from rich.live import Live

        if self._stop.is_set():
            return
        # What tasks print is shown above the table, unless it goes elsewhere.
        live = Live(
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=True,
        )
        with live:
            while True:
                live.update(self.table(live.console.height), refresh=True)
                if self._stop.wait(_REFRESH):
                    return

    def table(self, height: int) -> Table:
        """The table as it looks now, with no more rows than a terminal of this height shows."""
        from rich.table import Table

        counts = dict(self._job_counts())
        rows = max(1, min(_MAX_ROWS, height - 6))
        # The busiest tasks first: those with running jobs, then those with waiting ones.
        shown = sorted(counts, key=lambda name: (-counts[name][1], -counts[name][0], -sum(counts[name]), name))[:rows]
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(f"TASK  {time.monotonic() - self._started:.0f} s")
        for column in (*COLUMNS, "TOTAL"):
            table.add_column(column, justify="right", width=8)
        all_jobs = totals(counts, len(COLUMNS))
        table.add_row("ALL", *(f"{count:,}" for count in (*all_jobs, sum(all_jobs))), style="bold")
        for name in shown:
            table.add_row(name, *(f"{count:,}" if count else "" for count in (*counts[name], sum(counts[name]))))
        if len(counts) > len(shown):
            table.add_row(f"... and {len(counts) - len(shown)} more tasks", style="dim")
        return table
