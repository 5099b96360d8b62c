"""Searching and changing tags, as a part of a backend: what it needs is imported when somebody searches."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from redun.backends.parts import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from redun.backends.records import CallRecord, ExecutionRecord, FileRow, JobRow, StoredValue, TaskRecord
    from redun.backends.search import Kind, Query, TagChanges, TagCount, TagEdit, ValueRow

    from redun_backend_sql.questions import Questions
    from redun_backend_sql.questions.search import Answers
    from redun_backend_sql.run_path.recorder import Recorder

T = TypeVar("T")


class SearchPart(Search):
    """What a backend on a database of ours inherits beside `Backend`."""

    _recorder: Recorder

    def search_executions(self, query: Query) -> Iterator[ExecutionRecord]:
        return self._answers("execution", query).executions(query)

    def search_jobs(self, query: Query) -> Iterator[JobRow]:
        return self._answers("job", query).jobs(query)

    def search_calls(self, query: Query) -> Iterator[CallRecord]:
        return self._answers("call", query).calls(query)

    def search_tasks(self, query: Query) -> Iterator[TaskRecord]:
        return self._answers("task", query).tasks(query)

    def search_values(self, query: Query) -> Iterator[ValueRow]:
        return self._answers("value", query).values(query)

    def search_files(self, query: Query) -> Iterator[FileRow]:
        return self._answers("file", query).files(query)

    def count(self, kind: Kind, query: Query) -> int:
        number = self._answers(kind.value, query).count(kind, query)
        return super().count(kind, query) if number is None else number

    def tag_counts(self, key: str | None = None) -> list[TagCount]:
        return self._make_answers().tagged.counts(key)

    def edit_tags(self, edits: Sequence[TagEdit]) -> TagChanges:
        with self._open():
            return self._recorder.edit_tags(edits)

    def _answers(self, kind: str, query: Query) -> Answers:
        from redun.backends.search import Kind, check_query

        check_query(Kind(kind), query)
        return self._make_answers()

    def _make_answers(self) -> Answers:
        from redun_backend_sql.questions.search import Answers

        return Answers(self._with_questions, self.load_values)

    def _with_questions(self, ask: Callable[[Questions], T]) -> T:
        """Ask something; a search asks as often as somebody reads on.

        A backend that may lose its connection overrides this, to ask again.
        """
        with self._asking() as questions:
            return ask(questions)

    # -- what the backend has -----------------------------------------------------------------------------------------

    if TYPE_CHECKING:

        def _open(self) -> AbstractContextManager[None]: ...

        def _asking(self) -> AbstractContextManager[Questions]: ...

        def load_values(self, value_hashes: Sequence[bytes]) -> dict[bytes, StoredValue]: ...
