"""Runs the workflows of `workflows/past.py` until a repository has about SIZE jobs: `make_past.py FOLDER SIZE`.

FOLDER/.redun/redun.ini says where the repository is. Files are written to FOLDER.

In another edition (PAST_EDITION=2) only the workflow that runs every night, a few times more.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from redun import File, Scheduler
from redun.backends.base import Backend
from redun.config.build import make_backend
from redun.config.discovery import load_config

sys.path.insert(0, str(Path(__file__).resolve().parent / "workflows"))

import past

Run = tuple[str, Callable[[], Any]]
NIGHTS = 1000


def runs(folder: Path, size: int) -> Iterator[Run]:
    """The executions, oldest first, each with a name; together they make about `size` jobs."""
    text = str(folder)
    reference = folder / "reference.txt"
    reference.write_text("shared by all\n")
    part = size // 20
    yield "wide", lambda: past.wide(9, part)
    yield "wide again", lambda: past.wide(3, part)
    yield "variants", lambda: past.variants(4, part // 4, 1)
    yield "variants stronger", lambda: past.variants(4, part // 4, 2)
    yield "checks", lambda: past.checks(File(str(reference)), 2 * part)
    yield "files", lambda: past.files(File(str(reference)), text, part // 5)
    yield "files again", lambda: past.files(File(str(reference)), text, part // 5)
    yield "chain", lambda: past.chain(part)
    yield "labels", lambda: past.labels(part)
    yield from nights(0, min(NIGHTS, part // 25))


def nights(first: int, count: int) -> Iterator[Run]:
    for day in range(first, first + count):
        yield "nightly", lambda day=day: past.nightly(day)


def make(backend: Backend, folder: Path, size: int) -> None:
    """Run whatever belongs to this edition."""
    wanted = runs(folder, size) if past.EDITION == "1" else nights(NIGHTS, 20)
    for name, make_expression in wanted:
        start = time.perf_counter()
        scheduler = Scheduler(backend=backend)
        with contextlib.suppress(RuntimeError):
            scheduler.run(make_expression(), tags=[("workflow", name.split()[0]), ("env", "benchmark")])
        if name != "nightly":
            print(f"  {name}: {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    backend = make_backend(load_config(str(folder / ".redun")))
    backend.load(migrate=True)
    make(backend, folder, size)
    backend.close()
