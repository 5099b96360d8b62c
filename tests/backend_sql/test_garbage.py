"""Collections of garbage: what goes and what stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from garbage_stories import (
    calls_back,
    change_twice,
    count,
    double,
    fails,
    from_inside,
    in_context,
    kinds,
    main,
    opened,
    problems,
    ran,
    run,
    with_file,
)
from redun import Scheduler
from redun.backends.records import EntityKind, Status
from redun.backends.search import TagEdit
from redun.config import Config
from redun.errors import BackendError
from redun.executors.inline import InlineExecutor
from redun.testing.backend_records import Story
from redun_backend_sql.backend import SqlBackend


def test_an_execution_goes_with_all_that_only_it_needs(sql_backend: SqlBackend):
    first, _ = run(sql_backend, main([1, 2]))
    second, _ = run(sql_backend, main([2, 3]))
    planned = sql_backend.plan_garbage([first], grace=0)
    assert len(sql_backend.executions(limit=9)) == 2
    garbage = sql_backend.collect_garbage([first], grace=0)
    assert garbage.executions == planned.executions == (first,)
    # main([1, 2]), double(1), long_text(1) and the length of that
    assert kinds(garbage)["calls"] == kinds(planned)["calls"] == 4
    assert garbage.postponed == ""
    assert problems(sql_backend) == []
    assert [each.id for each in sql_backend.executions(limit=9)] == [second]
    ran.clear()
    run(sql_backend, main([2, 3]))
    assert ran == []
    run(sql_backend, main([1]))
    assert ran == [1, "text 1"]
    assert problems(sql_backend) == []


def test_a_kept_execution_is_used_again_whatever_goes_around_it(sql_backend: SqlBackend, tmp_path: Path):
    """The same calls, small values, contexts, files and failures in many combinations."""
    path = str(tmp_path / "file")
    programs: list[tuple[Any, dict[str, Any]]] = [
        (main([1, 2, 3]), {}),
        (with_file(path), {}),
        (main([3]), {"tags": [("key", "value")]}),
        (in_context(7), {"context": {"factor": 6}}),
        (double(3), {}),
        (in_context(7), {"context": {"factor": 7}}),
        (change_twice("a"), {}),
        (main([2]), {}),
        (change_twice("b"), {}),
    ]
    ids = [run(sql_backend, expr, **options)[0] for expr, options in programs]
    for expr in (fails(1), fails(2)):
        with pytest.raises(ValueError, match=r"[24]"):
            run(sql_backend, expr)
        ids.append(sql_backend.executions(limit=1)[0].id)
    for going in [ids[9], ids[0], ids[6], ids[2], ids[4], ids[3], ids[10]]:
        sql_backend.collect_garbage([going], grace=0)
        assert problems(sql_backend) == []
    ran.clear()
    for index in (1, 5, 7, 8):
        expr, options = programs[index]
        run(sql_backend, expr, **options)
    assert ran == []
    run(sql_backend, change_twice("a"))
    assert ran == ["step 1", "step 2"]
    assert problems(sql_backend) == []


def test_when_everything_goes_next_to_nothing_is_left(sql_backend: SqlBackend, tmp_path: Path):
    for expr in (main([1, 2]), with_file(str(tmp_path / "file")), change_twice("a"), in_context(2)):
        run(sql_backend, expr)
    with pytest.raises(ValueError, match=r"[24]"):
        run(sql_backend, fails(1))
    sql_backend.collect_garbage([each.id for each in sql_backend.executions(limit=9)], grace=0)
    assert problems(sql_backend) == []
    empty = ["execution", "job", "job_count", "call", "call_argument", "value", "value_child", "handle", "handle_edge"]
    assert {table: count(sql_backend, table) for table in empty} == dict.fromkeys(empty, 0)
    # The last one stays, so that its number is not given out again, with the tasks in it.
    assert count(sql_backend, "task") <= 4
    assert count(sql_backend, "task_set") <= 1
    run(sql_backend, main([1]))
    assert problems(sql_backend) == []


def test_a_small_value_moves_when_the_call_goes_whose_row_has_it(make_backend: Callable[..., SqlBackend]):
    """Another call names it, and was recorded by somebody who relied on the first one."""
    with opened(make_backend()) as one, opened(make_backend()) as other:
        first, second = Story("first").begin(), Story("second").begin()
        result = first.call("a", "small")
        first.job(1, result)
        one.record(first.take())
        second.job(1, second.call("b", "another result", arguments=["small"]))
        batch = second.take()
        batch.values = [value for value in batch.values if value.hash != result.value_hash]
        other.record(batch)
        for story in (first, second):
            story.batch.executions = [story.execution(Status.DONE, 2000.0)]
            one.record(story.take())
        stored = other.load_values([result.value_hash])
        garbage = other.collect_garbage(["first"], grace=0)
        assert kinds(garbage)["calls"] == 1
        assert other.load_values([result.value_hash]) == stored
        other.collect_garbage(["second"], grace=0)
        assert count(other, "value") == count(other, "call") == 0


def test_tags_go_with_what_they_are_attached_to(sql_backend: SqlBackend):
    first, _ = run(sql_backend, main([1]), tags=[("project", "x")])
    call = sql_backend.jobs(first)[0].call_hash
    assert call is not None
    record = sql_backend.call(call)
    assert record is not None
    small = sql_backend.calls([sql_backend.jobs(first)[1].call_hash or b""]).popitem()[1].value_hash
    ids = [(EntityKind.CALL, call.hex()), (EntityKind.VALUE, record.value_hash.hex()), (EntityKind.VALUE, small.hex())]
    ids += [(EntityKind.JOB, f"{first}.1"), (EntityKind.TASK, record.task_hash.hex())]
    sql_backend.edit_tags([TagEdit(kind, name, add=(("mark", 1),)) for kind, name in ids])
    run(sql_backend, double(9))
    sql_backend.collect_garbage([first], grace=0)
    assert problems(sql_backend) == []
    left = {(row.tag.entity_kind, row.tag.key) for row in sql_backend.tags_since(0)}
    # double(9) and its job have tags, and the last set of tasks names that of main.
    assert left == {(EntityKind.TASK, "kind"), (EntityKind.JOB, "kind"), (EntityKind.TASK, "mark")}


def test_nothing_goes_that_is_new_or_runs(sql_backend: SqlBackend):
    first, _ = run(sql_backend, main([1]))
    garbage = sql_backend.collect_garbage([first, "none"], grace=60)
    assert garbage.executions == ()
    assert [each.id for each in garbage.kept] == [first, "none"]
    assert garbage.sizes == ()
    seen: list[Any] = []
    from_inside.append(
        lambda: seen.append(sql_backend.collect_garbage([sql_backend.executions(limit=1)[0].id], grace=0))
    )
    run(sql_backend, calls_back(1))
    assert [each.why for each in seen[0].kept] == ["it runs"]


def test_what_belongs_to_no_execution_stays_until_it_is_known_for_long(sql_backend: SqlBackend, monkeypatch: Any):
    """It may be part of a copy that has not ended."""
    run(sql_backend, main([1]))
    assert sql_backend._connection is not None
    for table in ("execution", "job", "job_count"):
        sql_backend._connection.execute(f"DELETE FROM {table}")
    sql_backend._connection.execute(f"DELETE FROM tag WHERE entity_kind = {int(EntityKind.JOB)}")
    assert sql_backend.collect_garbage([], grace=3600).sizes == ()
    assert sql_backend.collect_garbage([], grace=3600).sizes == ()
    now = __import__("time").time()
    monkeypatch.setattr("time.time", lambda: now + 4000)
    assert kinds(sql_backend.collect_garbage([], grace=3600))["calls"] == 4
    assert problems(sql_backend) == []


def test_a_backend_without_maintenance_says_so():
    from redun.backends.memory import MemoryBackend

    backend = MemoryBackend()
    run_in_memory = Scheduler(config=Config({}), backend=backend, executor=InlineExecutor("default"))
    run_in_memory.run(main([1]))
    sizes = {kind: number for kind, number, _ in backend.stats().kinds}
    assert sizes["executions"] == 1
    assert sizes["jobs"] == 4
    with pytest.raises(BackendError, match="MemoryBackend does not support collecting garbage"):
        backend.collect_garbage([])


def test_statistics_count_everything(sql_backend: SqlBackend):
    run(sql_backend, main([1]))
    stats = sql_backend.stats(largest=1)
    sizes = {kind: number for kind, number, _ in stats.kinds}
    assert (sizes["executions"], sizes["jobs"], sizes["calls"]) == (1, 4, 4)
    assert stats.size > 10_000
    [largest] = stats.largest
    assert largest.bytes > 4000
    assert largest.type_name == "builtins.str"


def test_space_is_given_back(sql_backend: SqlBackend):
    first, _ = run(sql_backend, main(list(range(100))))
    sql_backend.collect_garbage([first], grace=0)
    before = sql_backend.stats().size
    assert sql_backend.reclaim_space() > 0
    assert sql_backend.stats().size < before
    assert problems(sql_backend) == []
