"""Searching: what is found, in which order, and tags that are changed afterwards."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from redun.backends.memory import MemoryBackend
from redun.backends.parts import Search
from redun.backends.records import EntityKind, RecordBatch, Status, TagRecord
from redun.backends.search import Kind, Query, TagCount, TagEdit, TagFilter
from redun.errors import BackendError
from redun.testing.backend_fixtures import BackendFixtures
from redun.testing.backend_records import Story, hash_of

if TYPE_CHECKING:
    from redun.backends.base import Backend

FOLDER = "folder".ljust(100, ".")
UNKNOWN = "99999999-9999-4999-8999-999999999999"
FAILED, CACHED, RUNNING = (frozenset({status}) for status in (Status.FAILED, Status.CACHED, Status.RUNNING))
FILTERS: dict[str, list[Any]] = {
    "execution_ids": [("10000000-0000-4000-8000-000000000000",), (UNKNOWN,)],
    "execution_statuses": [FAILED],
    "execution_tags": [(TagFilter("project", "acme"),), (TagFilter("project", any_value=True), TagFilter("n", 1))],
    "job_statuses": [CACHED, RUNNING | FAILED],
    "task_names": [("odd",), ("suite.even", "suite.unknown")],
    "task_hashes": [(hash_of("task odd"), hash_of("unknown"))],
    "results": [(hash_of("common"),), (hash_of("result 1"), hash_of("file 1"))],
    "arguments": [(hash_of("common"), hash_of("argument 2")), (hash_of(FOLDER),)],
    "tags": [(TagFilter("n", 1),), (TagFilter("kind", any_value=True), TagFilter("n", True))],
    "value_types": [("Value",), ("suite.Value", "suite.None"), ("uite.Value",)],
    "paths": [("data/*.csv",), ("data/1.csv", "*other"), ("*",), ("data*1*",)],
}
ABOUT_VALUES = {"value_types", "paths"}


def fill(backend: Backend) -> None:
    """Executions, jobs, calls and values of two tasks that share some of everything."""
    for i in range(6):
        name = ("even", "odd")[i % 2]
        story = Story(f"{i}0000000-0000-4000-8000-000000000000", name, time=1000.0 + 10 * i)
        story.begin(Status.FAILED if i % 3 == 0 else Status.DONE, end_time=2000.0)
        story.job(1)
        for j in range(3):
            story.value(f"file {j}", path=f"data/{j}.csv")
        story.value(FOLDER, children=["file 0", "file 2"])
        backend.record(story.take())
        story.value(f"alone {i}", path="data/1.csv" if i == 5 else f"an{i}other", size=90 * (i % 2))
        calls = [
            story.call(f"{name} {i}", f"result {i}", arguments=[f"argument {i}", "common"], time=story.time),
            story.call(f"{name} same", "common", arguments=[FOLDER], time=story.time, context=hash_of(f"{i % 4}")),
            story.call(f"{name} fails", "common", is_error=True, arguments=["long".ljust(99)], time=story.time),
        ]
        for number, call in enumerate(calls * 2, 2):
            story.job(number, call, parent=1, status=(Status.DONE, Status.CACHED, Status.FAILED)[number % 3])
        names = [
            (EntityKind.EXECUTION, story.execution_id),
            (EntityKind.JOB, f"{story.execution_id}.{i + 2}"),
            (EntityKind.CALL, calls[i % 3].call_hash.hex()),
            (EntityKind.TASK, story.task_hash.hex()),
            (EntityKind.VALUE, hash_of(f"file {i % 3}").hex()),
            (EntityKind.VALUE, hash_of("common").hex()),
        ]
        for kind, entity_id in names:
            story.batch.tags.append(TagRecord(kind, entity_id, "n", (1, True, 1.0, "1", None, [1])[i]))
            story.batch.tags.append(TagRecord(kind, entity_id, "kind", kind.name))
        if i % 2:
            story.batch.tags.append(TagRecord(EntityKind.EXECUTION, story.execution_id, "project", "acme"))
        backend.record(story.take())


def found(backend: Backend, kind: Kind, query: Query) -> list[Any]:
    """What a search gives, told by ids."""
    rows = list(backend.search(kind, query))
    if kind is Kind.JOB:
        return [(row.execution_id, row.number) for row in rows]
    name = {Kind.EXECUTION: "id", Kind.CALL: "call_hash", Kind.FILE: "path"}.get(kind, "hash")
    return [getattr(row, name) for row in rows]


class Searching(BackendFixtures):
    """What `redun log` and `redun tag` ask with filters."""

    @pytest.fixture(autouse=True)
    def _can_search(self, backend: Backend) -> None:
        if type(backend).search_jobs is Search.search_jobs:
            pytest.skip("this backend does not search")

    @pytest.mark.parametrize("kind", Kind)
    def test_a_search_finds_what_looking_at_everything_finds(self, backend: Backend, kind: Kind) -> None:
        """With no filter, with each alone, and with every two of them; each thing once, and as many as are counted.

        Of two filters, each of their values is met, though not with every value of the other.
        """
        everything = MemoryBackend()
        fill(backend)
        fill(everything)
        names = [name for name in FILTERS if kind in (Kind.VALUE, Kind.FILE) or name not in ABOUT_VALUES]
        queries = [Query()]
        queries += [Query(**{name: given}) for name in names for given in FILTERS[name]]
        queries += [
            Query(**{one: FILTERS[one][i % len(FILTERS[one])], other: FILTERS[other][i % len(FILTERS[other])]})
            for one, other in combinations(names, 2)
            for i in range(max(len(FILTERS[one]), len(FILTERS[other])))
        ]
        queries.append(Query(**{name: FILTERS[name][0] for name in names if name not in ABOUT_VALUES}))
        hits = 0
        for query in queries:
            expected = found(everything, kind, query)
            actual = found(backend, kind, query)
            assert sorted(actual) == sorted(expected), query
            assert backend.count(kind, query) == len(expected), query
            hits += len(expected)
        assert hits > 50

    def test_executions_and_jobs_are_found_newest_first(self, backend: Backend) -> None:
        """The newest execution, and the last job of it."""
        fill(backend)
        ids = [f"{i}0000000-0000-4000-8000-000000000000" for i in range(6)]
        assert found(backend, Kind.EXECUTION, Query()) == ids[::-1]
        tagged = Query(tags=(TagFilter("project", "acme"),))
        assert found(backend, Kind.EXECUTION, tagged) == ids[5::-2]
        assert found(backend, Kind.EXECUTION, Query(task_names=("even",))) == ids[4::-2]
        jobs = [(name, number) for name in reversed(ids) for number in range(7, 0, -1)]
        assert found(backend, Kind.JOB, Query()) == jobs
        failed = Query(job_statuses=FAILED, execution_ids=(ids[0], ids[3]))
        assert found(backend, Kind.JOB, failed) == [(ids[3], 5), (ids[3], 2), (ids[0], 5), (ids[0], 2)]
        by_task = Query(task_hashes=(hash_of("task odd"),), execution_ids=(ids[1],))
        assert found(backend, Kind.JOB, by_task) == [(ids[1], number) for number in range(7, 0, -1)]

    def test_a_search_reads_on_while_it_is_consumed(self, backend: Backend, story: Story) -> None:
        """However many there are, and whatever is recorded meanwhile."""
        number = 1500
        for i in range(number):
            story.job(i + 1, story.call(f"f{i}", "common", arguments=[f"argument {i}"]))
            story.value(f"file {i}", path=f"data/{i:05}")
        backend.record(story.take())
        for query in (Query(), Query(results=(hash_of("common"),)), Query(task_names=("work",))):
            expected = [job.number for job in backend.search_jobs(query)]
            assert len(set(expected)) == len(expected) >= number
            reading = backend.search_jobs(query)
            first = next(reading).number
            story.job(len(backend.jobs(story.execution_id, limit=2000)) + 1)
            backend.record(story.take())
            assert [first, *(job.number for job in reading)] == expected
        paths = [f"data/{i:05}" for i in range(number)]
        assert [row.path for row in backend.search_files(Query(paths=("data/*",)))] == paths
        assert len(list(backend.search_calls(Query()))) == 1500
        assert len(list(backend.search_values(Query()))) == 3001

    def test_a_file_is_found_in_its_newest_state(self, backend: Backend, story: Story) -> None:
        """Each path once, however many states it has had."""
        for i in range(1200):
            story.value(f"state {i}", path="data/in.csv")
        story.value("other", path="data/in")
        backend.record(story.take())
        story.value("last", path="data/in.csv")
        backend.record(story.take())
        rows = list(backend.search_files(Query(paths=("data/in*",))))
        assert [(row.path, row.value_hash) for row in rows] == [
            ("data/in", hash_of("other")),
            ("data/in.csv", hash_of("last")),
        ]

    def test_a_filter_that_says_nothing_about_a_kind_is_refused(self, backend: Backend) -> None:
        """Rather than left out."""
        for kind in (Kind.EXECUTION, Kind.JOB, Kind.CALL, Kind.TASK):
            for query in (Query(value_types=("int",)), Query(paths=("*",))):
                with pytest.raises(BackendError, match=kind.value):
                    list(backend.search(kind, query))

    def test_tags_are_counted_by_key_and_by_value(self, backend: Backend) -> None:
        """For each kind of thing."""
        tags = [TagRecord(EntityKind.JOB, f"x.{i}", "env", "prod") for i in range(3)]
        tags += [TagRecord(EntityKind.JOB, "x.1", "env", "test"), TagRecord(EntityKind.TASK, "aa", "env", 1)]
        backend.record(RecordBatch(tags=[*tags, TagRecord(EntityKind.TASK, "aa", "a", None)]))
        assert backend.tag_counts() == [
            TagCount("a", None, EntityKind.TASK, 1),
            TagCount("env", None, EntityKind.JOB, 3),
            TagCount("env", None, EntityKind.TASK, 1),
        ]
        assert backend.tag_counts("env") == [
            TagCount("env", "prod", EntityKind.JOB, 3),
            TagCount("env", "test", EntityKind.JOB, 1),
            TagCount("env", 1, EntityKind.TASK, 1),
        ]
        assert backend.tag_counts("unknown") == []

    def test_tags_are_added_replaced_and_removed(self, backend: Backend) -> None:
        """What is said to have changed has; the tags of other things stay."""
        kind, name = EntityKind.EXECUTION, "x"

        def tag(key: str, value: Any) -> TagRecord:
            return TagRecord(kind, name, key, value)

        other = TagRecord(EntityKind.EXECUTION, "y", "env", "prod")
        backend.record(RecordBatch(tags=[other, TagRecord(EntityKind.TASK, name, "env", "prod")]))
        added = (("env", "prod"), ("env", "test"), ("n", 1))
        changes = backend.edit_tags([TagEdit(kind, name, add=added)])
        assert changes == ([tag(*each) for each in added], [])
        assert backend.edit_tags([TagEdit(kind, name, add=added)]) == ([], [])
        replaced = TagEdit(kind, name, remove_keys=("env",), add=(("env", "test"), ("env", "dev")))
        assert backend.edit_tags([replaced]) == ([tag("env", "dev")], [tag("env", "prod")])
        edits = [TagEdit(kind, name, remove=(("n", 1.0), ("env", "test"))), TagEdit(kind, "y", remove_keys=("env",))]
        assert backend.edit_tags(edits) == ([], [tag("env", "test"), other])
        assert backend.tags(kind, [name, "y"]).get("y", []) == []
        assert backend.tags(kind, [name])[name] == [tag("n", 1), tag("env", "dev")]
        assert backend.tag_counts("env") == [
            TagCount("env", "dev", kind, 1),
            TagCount("env", "prod", EntityKind.TASK, 1),
        ]

    def test_a_removed_tag_is_not_found_and_can_be_added_again(self, backend: Backend, story: Story) -> None:
        """By an edit, or because it is recorded again."""
        backend.record(story.take())
        name, query = story.execution_id, Query(tags=(TagFilter("env", "prod"),))
        for _ in range(2):
            backend.edit_tags([TagEdit(EntityKind.EXECUTION, name, add=(("env", "prod"),))])
            assert [each.id for each in backend.search_executions(query)] == [name]
            backend.edit_tags([TagEdit(EntityKind.EXECUTION, name, remove_keys=("env",))])
            assert list(backend.search_executions(query)) == []
        backend.record(RecordBatch(tags=[TagRecord(EntityKind.EXECUTION, name, "env", "prod")]))
        assert [each.id for each in backend.search_executions(query)] == [name]
        long = [("env", "x" * 100 + end) for end in "ab"]
        backend.edit_tags([TagEdit(EntityKind.EXECUTION, name, add=tuple(long))])
        backend.edit_tags([TagEdit(EntityKind.EXECUTION, name, remove=(long[0],))])
        assert not list(backend.search_executions(Query(tags=(TagFilter(*long[0]),))))
        assert list(backend.search_executions(Query(tags=(TagFilter(*long[1]),))))

    def test_changed_tags_outlive_the_backend(
        self, backend: Backend, story: Story, request: pytest.FixtureRequest
    ) -> None:
        """As what is recorded does."""
        if not backend.is_durable:
            pytest.skip("this backend forgets everything")
        backend.record(story.take())
        name = story.execution_id
        backend.edit_tags([TagEdit(EntityKind.EXECUTION, name, add=(("env", "prod"), ("n", 1)))])
        backend.edit_tags([TagEdit(EntityKind.EXECUTION, name, remove_keys=("env",))])
        backend.close()
        second: Backend = request.getfixturevalue("second")
        assert second.tags(EntityKind.EXECUTION, [name]) == {name: [TagRecord(EntityKind.EXECUTION, name, "n", 1)]}
