"""What a scheduler is told of calls elsewhere: each ends once, whatever happens to its job."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from redun.errors import ExecutorError
from redun.executors.transport import Raised, Returned

if TYPE_CHECKING:
    from redun.executors.base import JobSink
    from redun.remote.fetching import Fate
    from redun.remote.interface import JobReport
    from redun.remote.units import RemoteCall, Unit


class Reports:
    """The calls that have not ended, and the sink that hears of their ends. Used by one thread."""

    def __init__(self, sink: JobSink) -> None:
        self.sink = sink
        self.live: dict[int, RemoteCall] = {}

    def is_live(self, item: RemoteCall) -> bool:
        """Whether a call has not ended."""
        return item.job_id in self.live

    def is_unwanted(self, unit: Unit) -> bool:
        """Whether nobody waits for any call of a job."""
        return all(item.is_cancelled or item.job_id not in self.live for item in unit.calls)

    def outcome(self, fate: Fate) -> None:
        """A call has a result or an error."""
        item, outcome = fate.item, fate.outcome
        if self.live.pop(item.job_id, None) is None:
            return
        if not item.has_started:
            self.sink.started(item.job_id)
        if isinstance(outcome, Returned):
            self.sink.done(item.job_id, outcome.value)
        elif isinstance(outcome, Raised):
            self.sink.failed(item.job_id, outcome.error, outcome.traceback or _message_only(outcome.error))

    def error(self, item: RemoteCall, error: BaseException) -> None:
        """A call could not be run."""
        if item.is_cancelled:
            self.cancelled(item)
        elif self.live.pop(item.job_id, None) is not None:
            self.sink.failed(item.job_id, error, _message_only(error))

    def cancelled(self, item: RemoteCall) -> None:
        """A call was stopped, or never begun."""
        if self.live.pop(item.job_id, None) is not None:
            self.sink.cancelled(item.job_id)

    def started(self, unit: Unit) -> None:
        """A job runs."""
        for item in unit.calls:
            if not item.has_started and item.job_id in self.live:
                item.has_started = True
                self.sink.started(item.job_id)

    def tags(self, unit: Unit, report: JobReport) -> None:
        """The service has said something about a job that people may want to know."""
        for key, value in report.tags:
            if key not in unit.tags:
                unit.tags.add(key)
                for item in unit.calls:
                    self.sink.tag(item.job_id, key, value)


def _message_only(error: BaseException) -> str | None:
    """The message of an error that is made for the user, to whom frames of an executor say nothing. None for others."""
    return "".join(traceback.format_exception_only(error)) if isinstance(error, ExecutorError) else None
