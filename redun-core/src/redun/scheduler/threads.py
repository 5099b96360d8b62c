"""Evaluating an expression in the background of a workflow: it is started here and joined there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from redun.expression import quote
from redun.hashing import hash_parts
from redun.promise import Promise
from redun.task import scheduler_task
from redun.value import Value

if TYPE_CHECKING:
    from redun.expression import QuotedExpression, SchedulerExpression
    from redun.scheduler.job import Job
    from redun.scheduler.scheduler import Scheduler

T = TypeVar("T")


class Thread(Value, Generic[T]):
    """An expression whose evaluation has been started by `fork_thread`, to be waited for with `join_thread`.

    It can be passed around and stored like any value. What is stored is the expression: a later execution that joins
    the thread evaluates it then.
    """

    type_name = "redun.Thread"

    def __init__(self, quoted: QuotedExpression[T]) -> None:
        self.quoted = quoted

    def get_hash(self, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of the protocol
        """The hash of the expression."""
        from redun.value import hash_value

        return hash_parts("value", [b"thread", hash_value(self.quoted)]).hex()

    def __repr__(self) -> str:
        return f"Thread({self.quoted!r})"


@scheduler_task(namespace="redun", version="1")
def fork_thread(
    scheduler: Scheduler, parent_job: Job, _sexpr: SchedulerExpression[Any], expr: Any
) -> Promise[Thread[Any]]:
    """Begin to evaluate an expression, and give a `Thread` for it at once.

    Nobody has to join it; but the execution ends when its root has a value, whatever still runs.
    """
    thread: Thread[Any] = Thread(quote(expr))
    running = scheduler.evaluate(expr, parent_job=parent_job)
    running.catch(lambda _: None)
    parent_job.run.threads.setdefault(thread.get_hash(), (running, parent_job))
    return Promise(lambda resolve, _: resolve(thread))


@scheduler_task(namespace="redun", version="1")
def join_thread(scheduler: Scheduler, parent_job: Job, _sexpr: SchedulerExpression[Any], thread: Any) -> Promise[Any]:
    """The value of the expression that a thread evaluates, or its error. The thread itself may be lazy."""

    def join(evaluated: Thread[T]) -> Promise[T]:
        if not isinstance(evaluated, Thread):
            raise TypeError(f"join_thread() needs what fork_thread() gave, not {evaluated!r}")
        known = parent_job.run.threads.get(evaluated.get_hash())
        if known is None:
            return scheduler.evaluate(evaluated.quoted.eval(), parent_job=parent_job)
        running, owner = known

        def below(_: Any) -> None:
            # The tasks below are those of the joining job as well: what it is cached with depends on them.
            parent_job.child_task_sets.update(owner.child_task_sets)

        running.then(below, below)
        result: Promise[T] = running.then(lambda value: value)
        result.follow_origin(running)
        return result

    return scheduler.evaluate(thread, parent_job=parent_job).then(join)
