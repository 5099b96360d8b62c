"""Equal calls within one execution: made once, and their outcome shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import InvalidValueError
from redun.scheduler.cells import FAILED
from redun.scheduler.job import Job

if TYPE_CHECKING:
    from redun.expression import TaskExpression
    from redun.scheduler.cache import Finished
    from redun.scheduler.cells import Cell
    from redun.scheduler.run import Run


class EqualCalls:
    """Knows by evaluation hash every call that may serve another one: a job that runs, or what came of it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._by_eval: dict[bytes, Job | Finished] = {}
        self.find = self._by_eval.get
        self.remember = self._by_eval.__setitem__
        self.following: dict[Job, Job] = {}
        """Jobs that wait for an equal one that was made elsewhere, and that one."""
        self._failed: dict[int, list[tuple[int, bytes]]] = {}
        """By number of a job its calls that have failed: the number of the job which has made it, and the key."""

    def share(self, equal: Job | Finished, parent: Job, cell: Cell) -> bool:
        """Within one parent equal calls are one."""
        if isinstance(equal, Job):
            if equal.parent is not parent:
                return False
            assert equal.cell.expr is not None
            self._run.reducer.reduce_into(cell, equal.cell.expr, parent)
            return True
        if equal.parent != parent.number or not (equal.is_kept or equal.error):
            return False
        self.settle(cell, equal)
        return True

    def failed(self, job: Job, number: int) -> None:
        """Note that a job has failed. number: that of the job which has made the call, if it was an equal one."""
        assert job.parent is not None
        self._failed.setdefault(job.parent.number, []).append((number, job.key))

    def forget_failures(self, job: Job) -> None:
        """Have the calls below a job that failed made again when the job makes them again. What succeeded is kept."""
        below = self._failed.pop(job.number, [])
        seen = {job.number}
        while below:
            number, key = below.pop()
            if number not in seen:
                seen.add(number)
                below.extend(self._failed.get(number, ()))  # which may be below others as well
                known = self._by_eval.get(key)
                if known is not None and not isinstance(known, Job) and known.error is not None:
                    del self._by_eval[key]
        for cells in (job.memo, job.same_expressions or {}):
            for name in [name for name, cell in cells.items() if cell.state == FAILED]:
                del cells[name]  # type: ignore[arg-type]

    def follow(self, job: Job, equal: Job) -> None:
        """Have a job wait for an equal one."""
        equal.followers = [*(equal.followers or ()), job]
        self.following[job] = equal

    def stop_following(self, job: Job) -> None:
        """Let a job wait no more."""
        equal = self.following.pop(job)
        equal.followers = [follower for follower in equal.followers or () if follower is not job]

    def settle(self, cell: Cell, finished: Finished) -> None:
        """Give a cell the outcome of a finished call."""
        if finished.error is not None:
            self._run.reducer.reject(cell, finished.error)
            return
        cell.source, cell.value_hash = finished.call_hash, finished.value_hash
        self._run.reducer.resolve(cell, finished.value)

    def share_expression(self, parent: Job, cell: Cell, expr: TaskExpression[Any]) -> bool:
        """Even what must never be cached is one call where the same expression occurs twice under one job."""
        if parent.same_expressions is None:
            parent.same_expressions = {}
        known = parent.same_expressions.setdefault(expr.get_hash(), cell)
        if known is cell:
            return False
        assert known.expr is not None
        self._run.reducer.reduce_into(cell, known.expr, parent)
        return True

    def with_value(self, finished: Finished) -> Finished | None:
        """An outcome with its value, from the repository where it was too large to keep; None if it is gone."""
        if finished.error is not None or finished.is_kept:
            return finished
        assert finished.value_hash is not None
        self._run.recorder.flush()
        try:
            return finished._replace(value=self._run.cache.load_value(finished.value_hash), is_kept=True)
        except InvalidValueError:
            return None
