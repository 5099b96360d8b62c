"""What async tasks await: expressions that are evaluated as children of the job while its body runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import RedunError, SchedulerError
from redun.scheduler.cells import SCALARS, Join
from redun.scheduler.private import private_copy
from redun.value import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.expression import Expression
    from redun.scheduler.run import Run

    Answer = Callable[[Any, BaseException | None], None]


class Question:
    """One expression that a job awaits."""

    __slots__ = ("answer", "ticket")

    def __init__(self, ticket: int, answer: Answer) -> None:
        self.ticket = ticket
        self.answer = answer


class Awaiting:
    """The questions of one run that have no answer yet. Each gets one, at the latest when the run ends."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._open: dict[Question, None] = {}

    def ask(self, ticket: int, expression: Expression[Any], answer: Answer) -> None:
        """Evaluate an expression under the job of this ticket. Meanwhile the job takes up no slot.

        From its first question on it holds no limits either: what it awaits may need the same ones.
        """
        job = self._run.dispatcher.pause(ticket)
        if job is None:
            refuse(answer)
            return
        if job.holds_limits:
            self._run.calls.release(job)
        question = Question(ticket, answer)
        self._open[question] = None
        self._run.reducer.wait_for(job, expression, [expression], question, self._answer, self._fail)

    def _answer(self, join: Join) -> None:
        value = join.evaluated()
        if value.__class__ not in SCALARS:
            # The task runs in this process, and may change what it gets.
            try:
                value = private_copy(value, encode(value))
            except RedunError as error:
                self._close(join.target, None, error)
                return
        self._close(join.target, value, None)

    def _fail(self, join: Join, error: BaseException) -> None:
        self._close(join.target, None, error)

    def _close(self, question: Question, value: Any, error: BaseException | None) -> None:
        if question in self._open:
            del self._open[question]
            self._run.dispatcher.resume(question.ticket)
            question.answer(value, error)

    def end(self) -> None:
        """Answer what is still open: the run is over."""
        questions, self._open = self._open, {}
        for question in questions:
            refuse(question.answer)


def refuse(answer: Answer) -> None:
    """Answer a question that nobody evaluates any more."""
    answer(None, SchedulerError("an expression was awaited by a call that has ended, or in a run that is over"))
