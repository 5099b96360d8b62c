"""What a query asks for, in the numbers by which rows refer to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from redun_backend_sql.questions.walks import walk
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import execution, task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from redun.backends.search import Query

    Ask = Callable[[Select[Any]], Sequence[Any]]
    """Runs a statement and gives all of its rows."""

PAGE = 500
"""How many keys are read at once; the first page of a walk is smaller, because often nobody wants a second one."""
FIRST_PAGE = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """A query with names and ids looked up. An empty set lets nothing through, None everything."""

    query: Query
    executions: frozenset[int] | None
    tasks: frozenset[int] | None
    execution_statuses: tuple[int, ...]
    job_statuses: tuple[int, ...]

    @property
    def has_values(self) -> bool:
        """Whether anything is asked of results or arguments."""
        return bool(self.query.results or self.query.arguments)


def resolve(ask: Ask, query: Query) -> Filters:
    """Look up what a query names."""
    return Filters(
        query,
        _executions(ask, query.execution_ids) if query.execution_ids else None,
        _tasks(ask, query),
        tuple(sorted(map(int, query.execution_statuses))),
        tuple(sorted(map(int, query.job_statuses))),
    )


def _executions(ask: Ask, ids: Sequence[str]) -> frozenset[int]:
    statements = (select(execution.c.id).where(execution.c.uuid.in_(chunk)) for chunk in chunks(ids))
    return frozenset(number for statement in statements for (number,) in ask(statement))


def _tasks(ask: Ask, query: Query) -> frozenset[int] | None:
    found: set[int] | None = None
    if query.task_names:
        found = set()
        for full_name in query.task_names:
            namespace, dot, name = full_name.rpartition(".")
            statement = select(task.c.id).where(task.c.name == name)
            if dot:
                statement = statement.where(task.c.namespace == namespace)
            found.update(number for (number,) in ask(statement))
    if query.task_hashes:
        statements = (select(task.c.id).where(task.c.hash.in_(chunk)) for chunk in chunks(query.task_hashes))
        hashed = {number for statement in statements for (number,) in ask(statement)}
        found = hashed if found is None else found & hashed
    return None if found is None else frozenset(found)


def page_sizes() -> Iterator[int]:
    """How many keys to read, page after page."""
    yield FIRST_PAGE
    while True:
        yield PAGE


def in_pages(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Items in lists as long as `page_sizes` says."""
    sizes = page_sizes()
    page: list[Any] = []
    size = next(sizes)
    for item in items:
        page.append(item)
        if len(page) >= size:
            yield page
            page, size = [], next(sizes)
    if page:
        yield page


def walk_down(ask: Ask, statement: Select[Any], *columns: Any, of: Sequence[Any] = ()) -> Iterator[Any]:
    """The rows of a statement whose first column is the last of these, from the highest value of it down, page by page.

    columns: those of an index. of: the values of all of them but the last, which has to be unique among these rows.
    """
    last = None
    for size in page_sizes():
        page = statement if of or last is None else statement.where(columns[-1] < last)
        if of:
            page = walk(page, columns, of, () if last is None else (last,))
        else:
            page = page.order_by(columns[-1].desc())
        rows = ask(page.limit(size))
        yield from rows
        if len(rows) < size:
            return
        last = rows[-1][0]
