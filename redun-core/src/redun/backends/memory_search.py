"""Searching what is kept in memory: by looking at everything."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from redun.backends.parts import Search
from redun.backends.records import EntityKind, FileRow, TagRecord
from redun.backends.search import (
    Kind,
    Query,
    TagChanges,
    TagCount,
    TagFilter,
    ValueRow,
    check_query,
    is_type_named,
    path_pattern,
    tag_text,
)

if TYPE_CHECKING:
    import threading
    from collections import defaultdict
    from collections.abc import Iterable, Iterator, Sequence

    from redun.backends.records import (
        CallRecord,
        ExecutionRecord,
        JobRecord,
        JobRow,
        TaskRecord,
        ValueRecord,
    )
    from redun.backends.search import TagEdit


class MemorySearch(Search):
    """The part of `MemoryBackend` that searches."""

    _lock: threading.RLock
    _executions: dict[str, ExecutionRecord]
    _tasks: dict[bytes, TaskRecord]
    _values: dict[bytes, ValueRecord]
    _calls_by_hash: dict[bytes, CallRecord]
    _jobs: defaultdict[str, dict[int, JobRecord]]
    _tags: defaultdict[tuple[EntityKind, str], list[TagRecord]]
    _removed_tags: defaultdict[tuple[EntityKind, str], dict[tuple[str, str], int]]

    def search_executions(self, query: Query) -> Iterator[ExecutionRecord]:
        check_query(Kind.EXECUTION, query)
        with self._lock:
            found = self._matching_executions(query)
            if query.job_statuses or query.names_calls:
                having = {job.execution_id for job in self._matching_jobs(query)}
                found = [execution for execution in found if execution.id in having]
            return iter([each for each in found if self._has_tags(EntityKind.EXECUTION, each.id, query.tags)])

    def search_jobs(self, query: Query) -> Iterator[JobRow]:
        check_query(Kind.JOB, query)
        with self._lock:
            return iter(
                [
                    self._job_row(job)
                    for job in self._matching_jobs(query)
                    if self._has_tags(EntityKind.JOB, f"{job.execution_id}.{job.number}", query.tags)
                ]
            )

    def search_calls(self, query: Query) -> Iterator[CallRecord]:
        check_query(Kind.CALL, query)
        with self._lock:
            found = [call for call in reversed(self._calls_by_hash.values()) if self._call_matches(call, query)]
            if query.names_executions or query.job_statuses:
                made = {job.call_hash for job in self._matching_jobs(query)}
                found = [call for call in found if call.call_hash in made]
            return iter([each for each in found if self._has_tags(EntityKind.CALL, each.call_hash.hex(), query.tags)])

    def search_tasks(self, query: Query) -> Iterator[TaskRecord]:
        check_query(Kind.TASK, query)
        with self._lock:
            found = [task for task in reversed(self._tasks.values()) if _task_matches(task, query)]
            if query.names_executions or query.job_statuses or query.results or query.arguments:
                ran = {job.task_hash for job in self._matching_jobs(query)}
                found = [task for task in found if task.hash in ran]
            return iter([each for each in found if self._has_tags(EntityKind.TASK, each.hash.hex(), query.tags)])

    def search_values(self, query: Query) -> Iterator[ValueRow]:
        with self._lock:
            return iter([ValueRow(v.hash, v.type_name, v.codec, v.path) for v in self._matching_values(query)])

    def search_files(self, query: Query) -> Iterator[FileRow]:
        with self._lock:
            newest: dict[str, FileRow] = {}
            for value in self._matching_values(query):
                if value.path is not None:
                    newest.setdefault(value.path, FileRow(value.path, value.hash, value.type_name))
            return iter([newest[path] for path in sorted(newest)])

    def tag_counts(self, key: str | None = None) -> list[TagCount]:
        counts: Counter[tuple[str, str, EntityKind]] = Counter()
        values: dict[str, Any] = {"": None}
        with self._lock:
            for (kind, _), tags in self._tags.items():
                if key is None:
                    counts.update((each, "", kind) for each in {tag.key for tag in tags})
                    continue
                for tag in tags:
                    if tag.key == key:
                        values[tag_text(tag.value)] = tag.value
                        counts[key, tag_text(tag.value), kind] += 1
        return [TagCount(name, values[text], kind, n) for (name, text, kind), n in sorted(counts.items())]

    def edit_tags(self, edits: Sequence[TagEdit]) -> TagChanges:
        changes = TagChanges([], [])
        with self._lock:
            for edit in edits:
                tags = self._tags[edit.entity_kind, edit.entity_id]
                add = {(key, tag_text(value)): value for key, value in edit.add}
                remove = {(key, tag_text(value)) for key, value in edit.remove}
                for tag in tuple(tags):
                    this = (tag.key, tag_text(tag.value))
                    if this in add:
                        del add[this]
                    elif tag.key in edit.remove_keys or this in remove:
                        tags.remove(tag)
                        removed = self._removed_tags[edit.entity_kind, edit.entity_id]
                        removed[this] = removed.get(this, 0) + 1
                        changes.removed.append(tag)
                new = [TagRecord(edit.entity_kind, edit.entity_id, key, value) for (key, _), value in add.items()]
                tags.extend(new)
                changes.added.extend(new)
        return changes

    # -- inside -------------------------------------------------------------------------------------------------------

    def _matching_executions(self, query: Query) -> list[ExecutionRecord]:
        order = {name: position for position, name in enumerate(self._executions)}
        return sorted(
            (
                each
                for each in self._executions.values()
                if (not query.execution_ids or each.id in query.execution_ids)
                and (not query.execution_statuses or each.status in query.execution_statuses)
                and self._has_tags(EntityKind.EXECUTION, each.id, query.execution_tags)
            ),
            key=lambda each: (each.start_time, order[each.id]),
            reverse=True,
        )

    def _matching_jobs(self, query: Query) -> list[JobRecord]:
        return [
            job
            for execution in self._matching_executions(query)
            for _, job in sorted(self._jobs.get(execution.id, {}).items(), reverse=True)
            if (not query.job_statuses or job.status in query.job_statuses)
            and _task_matches(self._tasks[job.task_hash], query)
            and self._job_call_matches(job, query)
        ]

    def _job_call_matches(self, job: JobRecord, query: Query) -> bool:
        if not (query.results or query.arguments):
            return True
        return job.call_hash is not None and self._call_matches(self._calls_by_hash[job.call_hash], query)

    def _call_matches(self, call: CallRecord, query: Query) -> bool:
        return (
            _task_matches(self._tasks[call.task_hash], query)
            and (not query.results or call.value_hash in query.results)
            and (not query.arguments or any(each.value_hash in query.arguments for each in call.arguments))
        )

    def _matching_values(self, query: Query) -> list[ValueRecord]:
        patterns = [path_pattern(each) for each in query.paths]
        used = self._values_of(self._matching_jobs(query)) if query.names_jobs else self._values.keys()
        return [
            value
            for value in reversed(self._values.values())
            if value.hash in used
            and (not query.value_types or is_type_named(value.type_name, query.value_types))
            and (not patterns or (value.path is not None and any(each.fullmatch(value.path) for each in patterns)))
            and self._has_tags(EntityKind.VALUE, value.hash.hex(), query.tags)
        ]

    def _values_of(self, jobs: Iterable[JobRecord]) -> set[bytes]:
        """What some jobs took and returned, and the files, tasks and handles inside."""
        calls = [self._calls_by_hash[job.call_hash] for job in jobs if job.call_hash is not None]
        used = {each for call in calls for each in (call.value_hash, *(one.value_hash for one in call.arguments))}
        return used.union(*(self._values[each].children for each in used if each in self._values))

    def _has_tags(self, kind: EntityKind, entity_id: str, wanted: Sequence[TagFilter]) -> bool:
        if not wanted:
            return True
        tags = self._tags.get((kind, entity_id), ())
        return all(
            any(tag.key == each.key and each.text in (None, tag_text(tag.value)) for tag in tags) for each in wanted
        )

    def _job_row(self, job: JobRecord) -> JobRow:
        raise NotImplementedError


def _task_matches(task: TaskRecord, query: Query) -> bool:
    if query.task_hashes and task.hash not in query.task_hashes:
        return False
    names = (task.name, f"{task.namespace}.{task.name}") if task.namespace else (task.name,)
    return not query.task_names or any(name in query.task_names for name in names)
