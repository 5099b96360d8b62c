"""Searching and changing tags, as a part of a backend: what it needs is imported when somebody searches."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from redun.backends.search import Kind, Search, check_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from redun.backends.records import CallRecord, ExecutionRecord, FileRow, JobRow, StoredValue, TaskRecord
    from redun.backends.search import Query, TagChanges, TagCount, TagEdit, ValueRow

    from redun_backend_sql.questions import Questions
    from redun_backend_sql.questions.search import Answers
    from redun_backend_sql.run_path.recorder import Recorder

T = TypeVar("T")


class SearchPart(Search):
    """What a backend on a database of ours inherits beside `Backend`."""

    _recorder: Recorder

    def search_executions(self, query: Query) -> Iterator[ExecutionRecord]:
        return self._answers(Kind.EXECUTION, query).executions(query)

    def search_jobs(self, query: Query) -> Iterator[JobRow]:
        return self._answers(Kind.JOB, query).jobs(query)

    def search_calls(self, query: Query) -> Iterator[CallRecord]:
        return self._answers(Kind.CALL, query).calls(query)

    def search_tasks(self, query: Query) -> Iterator[TaskRecord]:
        return self._answers(Kind.TASK, query).tasks(query)

    def search_values(self, query: Query) -> Iterator[ValueRow]:
        return self._answers(Kind.VALUE, query).values(query)

    def search_files(self, query: Query) -> Iterator[FileRow]:
        return self._answers(Kind.FILE, query).files(query)

    def count(self, kind: Kind, query: Query) -> int:
        number = self._answers(kind, query).count(kind, query)
        return super().count(kind, query) if number is None else number

    def tag_counts(self, key: str | None = None) -> list[TagCount]:
        return self._make_answers().tagged.counts(key)

    def edit_tags(self, edits: Sequence[TagEdit]) -> TagChanges:
        with self._open():
            return self._recorder.edit_tags(edits)

    def _answers(self, kind: Kind, query: Query) -> Answers:
        check_query(kind, query)
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
