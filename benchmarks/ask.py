"""Asks the repository in this folder one question, and prints the seconds until the answer was there, as JSON.

    ask.py names                        what the questions are about: ids of executions, jobs, values
    ask.py command LINES FIRST WORD...  a command line, until it has printed LINES, and when it had FIRST
    ask.py method NAME                  a question of `redun.provenance`

The time begins when everything is imported and the repository is open: what is left is the answer.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import pkgutil
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import redun.cli.entry
import redun.provenance
import redun_backend_sql.questions.search
from redun.backends.copying import copy_records
from redun.cli.app import App
from redun.provenance import Repository
from redun_backend_sql.sqlite_backend import SqliteBackend


class Enough(BaseException):
    """Nobody reads on."""


class Pager(io.TextIOBase):
    """Notes when lines come, as somebody sees them who leaves after so many."""

    def __init__(self, most: int, first: int) -> None:
        self._most, self._first = most, first
        self._lines = 0
        self.first_page: float | None = None

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._lines += text.count("\n")
        if self.first_page is None and self._lines >= self._first:
            self.first_page = time.perf_counter()
        if self._lines >= self._most:
            raise Enough
        return len(text)


def import_everything() -> None:
    packages = (redun.cli, redun.provenance, redun.backends, redun_backend_sql)
    for package in packages:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in module.name:
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)


def command(most: int, first: int, *words: str) -> tuple[float, float]:
    """Seconds to the first page and to the end of what is read."""
    opened = [time.perf_counter()]
    open_backend = App.open_backend

    def open_and_connect(app: App) -> Any:
        backend = open_backend(app)
        backend.execution("")
        opened[0] = time.perf_counter()
        return backend

    App.open_backend = open_and_connect  # type: ignore[method-assign]
    pager = Pager(most, first)
    with contextlib.redirect_stdout(pager), contextlib.suppress(Enough):
        code = redun.cli.entry.run_command_line(words)
        if code:
            raise SystemExit(f"{' '.join(words)}: exit code {code}")
    end = time.perf_counter()
    return (pager.first_page or end) - opened[0], end - opened[0]


def method(name: str) -> tuple[float, float]:
    """Seconds to the answer of one of the questions below."""
    with Repository.open() as repository:
        if name == SECOND_PUSH:
            seconds = second_push(repository)
        else:
            names = names_in(repository)
            start = time.perf_counter()
            METHODS[name](repository, names)
            seconds = time.perf_counter() - start
    return seconds, seconds


def second_push(repository: Repository) -> float:
    """Seconds that `redun push` takes to see that an SQLite file has everything. The first one is kept beside it."""
    finished, file = Path("pushed.finished"), Path("pushed.db")
    if not finished.exists():
        file.unlink(missing_ok=True)
    target = SqliteBackend(file)
    target.load(migrate=True)
    if not finished.exists():
        copy_records(repository.backend, target)
        finished.touch()
    start = time.perf_counter()
    if copy_records(repository.backend, target):
        raise SystemExit("the second push sent something")
    seconds = time.perf_counter() - start
    target.close()
    return seconds


def names_in(repository: Repository) -> dict[str, str]:
    """What the questions are about."""
    from redun.backends.search import Query, TagFilter

    names = {}
    for workflow in ("wide", "variants", "checks", "files", "chain", "labels", "nightly"):
        query = Query(execution_tags=(TagFilter("workflow", workflow),))
        found = [each.id for each in repository.backend.search_executions(query)]
        names |= {workflow: found[0], f"{workflow} first": found[-1]}
    names |= {"nightly": found[1], "nightly before": found[2]}
    names["a failed execution"] = next(each.id for each in repository.executions() if each.status == "FAILED")
    late = repository.backend.task_counts(names["wide first"])
    count = sum(each.count for each in late)
    names["a job in the middle"] = f"{names['wide first']}.{count // 2}"
    names["a cached job"] = f"{names['wide']}.{10_000 if count > 100_000 else 100}"
    names["a common result"] = _result_of(repository, f"{names['checks']}.7")
    names["a rare value"] = _result_of(repository, f"{names['a job in the middle']}")
    [report] = [job for job in repository.execution(names["nightly"]).jobs() if job.task_name == "past.report"]
    names["a report"] = report.id
    paths = [state.path for state in _files_of(repository, names["files first"])]
    names["a file"] = next(path for path in paths if "/out/" in path)
    names["a file of all"] = next(path for path in paths if path.endswith("reference.txt"))
    names["a made file"] = next(path for path in paths if path.endswith("collected.txt"))
    return names


def _result_of(repository: Repository, job: str) -> str:
    result = repository.job(job).result
    if result is None:
        raise SystemExit(f"{job} has no result")
    return result.id


def _files_of(repository: Repository, execution_id: str) -> list[Any]:
    from redun.backends.search import Query

    wanted = Query(execution_ids=(execution_id,))
    return [row for row in islice(repository.backend.search_values(wanted), 5000) if row.path is not None]


SECOND_PUSH = "copy_records(to one that has all)"
Method = Callable[[Repository, dict[str, str]], object]
METHODS: dict[str, Method] = {
    "executions()": lambda r, _: list(islice(r.executions(), 50)),
    "execution(ID).jobs(), 50 of them": lambda r, n: list(islice(r.execution(n["wide first"]).jobs(), 50)),
    "execution(ID).task_counts()": lambda r, n: r.execution(n["wide first"]).task_counts(),
    "execution(ID).diff(other)": lambda r, n: r.execution(n["nightly before"]).diff(r.execution(n["nightly"])),
    "job(ID).call.arguments": lambda r, n: r.job(n["a job in the middle"]).arguments,
    "job(ID).explain()": lambda r, n: r.job(n["a report"]).explain(),
    "file(PATH)[0].upstream()": lambda r, n: list(r.file(n["a file"])[0].upstream()),
    "file(PATH)[0].downstream()": lambda r, n: list(r.file(n["a file"])[0].downstream()),
    "value(HASH).producers()": lambda r, n: r.value(n["a common result"]).producers(),
    "tasks(NAME)[0].jobs()": lambda r, _: r.tasks("past.measure")[0].jobs(),
}


def main() -> None:
    import_everything()
    kind, *rest = sys.argv[1:]
    if kind == "names":
        with Repository.open() as repository:
            print(json.dumps(names_in(repository)))
        return
    seconds = method(rest[0]) if kind == "method" else command(int(rest[0]), int(rest[1]), *rest[2:])
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
