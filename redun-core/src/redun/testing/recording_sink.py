"""A sink that remembers what an executor reports."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.testing.plain_evaluation import evaluate_plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Answer = Callable[[Any, BaseException | None], None]


class End(NamedTuple):
    """How one call ended."""

    kind: str
    """`done`, `failed` or `cancelled`."""
    value: Any = None
    error: BaseException | None = None
    traceback: str | None = None


class Question(NamedTuple):
    """An expression that a call awaits."""

    job_id: int
    expression: Any
    answer: Answer


class RecordingSink:
    """Remembers every report, and lets a test wait for reports without sleeping.

    wait_seconds: how long `wait` and its like wait before they give up.
    evaluate: computes what an async task awaits, in a thread of its own; by default `evaluate_plainly`.
    """

    def __init__(self, wait_seconds: float = 60.0, evaluate: Callable[[Any], Any] | None = None) -> None:
        self.wait_seconds = wait_seconds
        self.ends: dict[int, list[End]] = {}
        self.started_ids: list[int] = []
        self.tags: list[tuple[int, str, Any]] = []
        self.lines: list[tuple[int, str]] = []
        self.questions: list[Question] = []
        """Every expression that was awaited so far."""
        self.late: list[str] = []
        """What was reported after `close`."""
        self.broken_by: BaseException | None = None
        self._evaluate = evaluate or evaluate_plainly
        self._changed = threading.Condition()
        self._is_closed = False
        self._to_answer: SimpleQueue[Question | None] | None = None
        self._held: list[Question] | None = None

    # -- what an executor calls ---------------------------------------------------------------------------------------

    def started(self, job_id: int) -> None:
        """Remember that the body began."""
        with self._changed:
            self._note_late(f"call {job_id} has started")
            self.started_ids.append(job_id)

    def done(self, job_id: int, value: Any) -> None:
        """Remember the result."""
        self._end(job_id, End("done", value=value))

    def failed(self, job_id: int, error: BaseException, traceback: str | None = None) -> None:
        """Remember the error."""
        self._end(job_id, End("failed", error=error, traceback=traceback))

    def cancelled(self, job_id: int) -> None:
        """Remember that the call was cancelled."""
        self._end(job_id, End("cancelled"))

    def evaluate(self, job_id: int, expression: Any, answer: Answer) -> None:
        """Compute the value of an expression and answer with it, from another thread."""
        question = Question(job_id, expression, answer)
        with self._changed:
            self._note_late(f"call {job_id} awaits {expression!r}")
            self.questions.append(question)
            self._changed.notify_all()
            if self._held is not None:
                self._held.append(question)
                return
            if self._to_answer is None:
                self._to_answer = SimpleQueue()
                threading.Thread(target=self._answer_all, args=(self._to_answer,), daemon=True).start()
            self._to_answer.put(question)

    def tag(self, job_id: int, key: str, value: Any) -> None:
        """Remember a tag."""
        with self._changed:
            self._note_late(f"call {job_id} has a tag")
            self.tags.append((job_id, key, value))

    def log(self, job_id: int, text: str) -> None:
        """Remember a line."""
        with self._changed:
            self._note_late(f"call {job_id} logs")
            self.lines.append((job_id, text))

    def broken(self, error: BaseException) -> None:
        """Remember that the executor gave up."""
        with self._changed:
            self._note_late("the executor is broken")
            self.broken_by = error
            self._changed.notify_all()

    # -- what a test calls --------------------------------------------------------------------------------------------

    def wait(self, job_ids: Iterable[int]) -> list[End]:
        """Wait until each of these calls has ended, and return how, in the same order.

        Raises `AssertionError` when that takes too long, when the executor reports itself broken, or when one of the
        calls ended more than once.
        """
        wanted = list(job_ids)
        with self._changed:
            self._changed.wait_for(lambda: self._all_ended(wanted), self.wait_seconds)
            assert self.broken_by is None, f"the executor is broken: {self.broken_by!r}"
            missing = [job_id for job_id in wanted if job_id not in self.ends]
            assert not missing, f"calls that did not end in {self.wait_seconds} seconds: {missing[:10]}"
            self._check_once()
            return [self.ends[job_id][0] for job_id in wanted]

    def wait_until_broken(self) -> BaseException:
        """Wait until the executor says that it cannot go on, and return the error that it gives."""
        with self._changed:
            self._changed.wait_for(lambda: self.broken_by is not None, self.wait_seconds)
            assert self.broken_by is not None, f"no report of a broken executor in {self.wait_seconds} seconds"
            return self.broken_by

    def hold_answers(self) -> None:
        """From now on answer nothing that is awaited, until `release_answers`."""
        with self._changed:
            self._held = []

    def wait_for_questions(self, count: int) -> list[Question]:
        """Wait until so many expressions have been awaited altogether, and return them."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.questions) >= count, self.wait_seconds)
            asked = len(self.questions)
            assert asked >= count, f"{asked} of {count} expressions were awaited in {self.wait_seconds} seconds"
            return list(self.questions)

    def release_answers(self) -> None:
        """Answer what was held back, and from now on everything at once."""
        with self._changed:
            held, self._held = self._held or [], None
        for question in held:
            self._answer(question)

    def close(self) -> None:
        """Say that the executor has stopped: what it reports from now on is `late`."""
        with self._changed:
            self._is_closed = True
            if self._to_answer is not None:
                self._to_answer.put(None)

    def check(self) -> None:
        """Raise `AssertionError` if any call ended more than once, or something was reported after `close`."""
        with self._changed:
            self._check_once()
            assert not self.late, f"reported after the executor was stopped: {self.late[:10]}"

    # -- inside -------------------------------------------------------------------------------------------------------

    def _check_once(self) -> None:
        twice = {job_id: ends for job_id, ends in self.ends.items() if len(ends) > 1}
        assert not twice, f"calls that ended more than once: {twice}"

    def _all_ended(self, job_ids: list[int]) -> bool:
        return self.broken_by is not None or all(job_id in self.ends for job_id in job_ids)

    def _end(self, job_id: int, end: End) -> None:
        with self._changed:
            self._note_late(f"call {job_id} is {end.kind}")
            self.ends.setdefault(job_id, []).append(end)
            self._changed.notify_all()

    def _note_late(self, what: str) -> None:
        if self._is_closed:
            self.late.append(what)

    def _answer_all(self, questions: SimpleQueue[Question | None]) -> None:
        while (question := questions.get()) is not None:
            self._answer(question)

    def _answer(self, question: Question) -> None:
        try:
            value = self._evaluate(question.expression)
        except Exception as error:
            question.answer(None, error)
        else:
            question.answer(value, None)
