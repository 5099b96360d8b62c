"""The jobs of an execution as the tree that their parents make, however many there are and however deep it is."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.backends.base import Backend
    from redun.backends.records import JobRow

_PAGE = 1000
_FIRST_PAGE = 50
_FEW_CHILDREN = 10


def walk_jobs(backend: Backend, execution_id: str) -> Iterator[tuple[int, JobRow]]:
    """Every job with its depth, a parent before its children, children by number.

    Reads page by page while it is consumed: memory and the time to the first job do not grow with the execution. The
    root job has depth 0.
    """
    pages = _ChildPages(backend, execution_id)
    root = backend.job(execution_id, 1)
    if root is None:
        # The end of an interrupted execution may have come before its root job was written: a list, then, not a tree.
        yield from ((0, job) for job in pages.all_jobs())
        return
    yield 0, root
    open_levels = [pages.children(root)]
    while open_levels:
        job = next(open_levels[-1], None)
        if job is None:
            open_levels.pop()
            continue
        yield len(open_levels), job
        if job.child_count:
            open_levels.append(pages.children(job))


def path_to_root(backend: Backend, job: JobRow, limit: int = 100) -> list[JobRow]:
    """The job's ancestors, nearest first, at most `limit` of them."""
    path: list[JobRow] = []
    parent = job.parent
    while parent is not None and len(path) < limit:
        row = backend.job(job.execution_id, parent)
        if row is None:
            break
        path.append(row)
        parent = row.parent
    return path


class _ChildPages:
    """Children of jobs, with as few queries as the shape of the tree allows.

    In a deep and narrow tree a child's number follows closely on its parent's, so one page of the execution's jobs
    answers for many parents. Where that turns out not to hold, children are asked for parent by parent.
    """

    def __init__(self, backend: Backend, execution_id: str) -> None:
        self._backend = backend
        self._execution_id = execution_id
        self._ahead: defaultdict[int, list[JobRow]] = defaultdict(list)
        self._reads_ahead = True
        self._sizes = chain((_FIRST_PAGE,), repeat(_PAGE))

    def children(self, job: JobRow) -> Iterator[JobRow]:
        if job.child_count == 0:
            return iter(())
        if job.child_count <= _FEW_CHILDREN:
            near = self._read_ahead(job)
            if near is not None:
                return iter(near)
        return self._ask(job)

    def all_jobs(self) -> Iterator[JobRow]:
        """The jobs by number, whatever their parents."""
        after = 0
        while rows := self._backend.jobs(self._execution_id, after=after, limit=_PAGE):
            yield from rows
            after = rows[-1].number

    def _read_ahead(self, job: JobRow) -> list[JobRow] | None:
        found = self._ahead.pop(job.number, [])
        if len(found) == job.child_count:
            return found
        if not self._reads_ahead:
            return None
        self._ahead.clear()
        for row in self._backend.jobs(self._execution_id, after=job.number, limit=next(self._sizes)):
            if row.parent is not None:
                self._ahead[row.parent].append(row)
        found = self._ahead.pop(job.number, [])
        self._reads_ahead = len(found) == job.child_count
        return found if self._reads_ahead else None

    def _ask(self, job: JobRow) -> Iterator[JobRow]:
        after, limit = 0, _FIRST_PAGE
        while True:
            rows = self._backend.jobs(self._execution_id, parent=job.number, after=after, limit=limit)
            yield from rows
            if len(rows) < limit:
                return
            after, limit = rows[-1].number, _PAGE
