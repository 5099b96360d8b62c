"""Collections of garbage in large repositories, and after any history."""

from __future__ import annotations

import resource
from typing import Any

from garbage_stories import (
    count,
    in_context,
    kinds,
    long_text,
    main,
    opened,
    problems,
    ran,
    run,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from redun import task
from redun.backends.records import Status
from redun.testing.backend_records import Story
from redun_backend_sql.backend import SqlBackend
from redun_backend_sql.garbage.collection import collect
from redun_backend_sql.sqlite_backend import SqliteBackend


class Counting:
    """A connection that counts its statements."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.statements = 0

    def execute(self, *arguments: Any) -> Any:
        self.statements += 1
        return self.connection.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self.statements += 1
        return self.connection.executemany(*arguments)


def test_a_large_execution_costs_few_statements_and_little_memory(sql_backend: SqlBackend):
    jobs, batch = 20_000 if isinstance(sql_backend, SqliteBackend) else 10_000, 2_500
    for name, first, last in (("small", jobs - 1000, jobs), ("large", 0, jobs)):
        story = Story(name).begin()
        below: list[bytes] = []
        for number in range(first, last):
            argument = f"{number} ".ljust(1 if number % 5 else 100, "x")
            call = story.call(f"{number}", f"result {number // 2}", arguments=[argument])
            below.append(call.call_hash)
            story.job(number + 1, call, parent=None)
            if (number + 1) % batch == 0:
                story.job(jobs + number + 1, story.call(f"{name} {number}", "all", children=tuple(below)))
                below.clear()
                sql_backend.record(story.take())
        story.batch.executions = [story.execution(Status.DONE, 2000.0)]
        sql_backend.record(story.take())
    counting = Counting(sql_backend._connection)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    garbage = collect(counting, sql_backend._transaction, None, ["large"], 0, lambda _: None)
    sizes = kinds(garbage)
    assert (sizes["jobs"], sizes["calls"]) == (jobs + jobs // batch, jobs - 1000 + jobs // batch)
    assert sizes["values"] == (jobs - 1000) / 5
    assert counting.statements < jobs / 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert (count(sql_backend, "job"), count(sql_backend, "call"), count(sql_backend, "value")) == (1001, 1001, 200)


@task
def power(base: int, exponent: int) -> int:
    return base if exponent <= 1 else multiply(base, power(base, exponent - 1))


@task
def multiply(x: int, y: int) -> int:
    return x * y


@task(check_valid="shallow")
def table(bases: list[int], exponent: int) -> dict[int, Any]:
    return {base: [power(base, exponent), long_text(base)] for base in bases}


programs = st.one_of(
    st.builds(lambda b, e: power(b, e), st.integers(2, 4), st.integers(1, 4)),
    st.builds(lambda b, e: table(b, e), st.lists(st.integers(2, 4), max_size=2, unique=True), st.integers(1, 3)),
    st.builds(lambda n: main(n), st.lists(st.integers(2, 4), max_size=2)),
    st.builds(lambda x: in_context(x), st.integers(1, 2)),
)
"""Programs with much in common: expressions, made anew for each example."""


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(st.tuples(programs, st.integers(0, 1), st.booleans(), st.integers(0, 4)), min_size=2, max_size=8))
def test_what_stays_is_complete_after_any_history(history: list[tuple[Any, int, bool, int]]):
    """Runs and collections in any order, by one process or two: what is kept is whole, and found again."""
    # In memory there is one connection, so "another process" is a scheduler that remembers nothing.
    with opened(SqliteBackend(None)) as backend:
        kept: dict[str, tuple[Any, int, Any]] = {}
        for expr, factor, is_collected, which in history:
            execution, result = run(backend, expr, context={"factor": factor} if factor else {})
            kept[execution] = (expr, factor, result)
            if is_collected:
                going = sorted(kept)[which % len(kept)]
                del kept[going]
                backend.collect_garbage([going], grace=0)
                assert problems(backend) == []
        for expr, factor, result in list(kept.values()):
            ran.clear()
            execution, again = run(backend, expr, context={"factor": factor} if factor else {})
            assert again == result
            assert ran == []
        backend.collect_garbage([each.id for each in backend.executions(limit=99)], grace=0)
        assert count(backend, "call") == count(backend, "value") == 0
