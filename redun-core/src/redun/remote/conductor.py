"""What becomes of calls between `submit` and their ends, in one thread that owns them all.

Requests to the service and transfers of files are made by two crews of threads, and come back as messages. Reports to
the scheduler are made by the one thread only, so that they have an order, and end when it ends.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from redun.errors import describe_error
from redun.plugins.connect import connect_filesystems
from redun.remote.asking import Asking, Pace, StoppedError, describe
from redun.remote.ending import end_jobs, end_jobs_at_last
from redun.remote.errors import ScratchError
from redun.remote.fetching import Again, fetch, output_lost, read_output
from redun.remote.grouping import Grouping
from redun.remote.interface import ErrorKind, JobReport, JobState
from redun.remote.reports import Reports
from redun.remote.reunion import Reunion, claim_file, find_earlier, write_intent
from redun.remote.scratch import remove_file, write_file
from redun.remote.sending import Sender, submission_failed
from redun.remote.units import remote_call, set_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from redun.executors.base import ExecutorContext, JobSink, TaskCall
    from redun.remote.fetching import Fate
    from redun.remote.polling import PollingExecutor
    from redun.remote.scratch import Scratch
    from redun.remote.units import RemoteCall, Shipment, Unit

REQUESTS = 4
"""Requests to the service at once."""
MOST_FAILED_LOOKS = 5
"""How often in a row jobs may not be described before the executor gives up."""


class Conductor:
    """The calls of one executor during one run."""

    def __init__(self, executor: PollingExecutor, context: ExecutorContext, sink: JobSink, scratch: Scratch) -> None:
        self._executor = executor
        self._reports = Reports(sink)
        self._scratch = scratch
        self._logger = context.logger
        self._inbox: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._stopping = threading.Event()
        self._asking = Asking(executor.error_kind, self._stopping)
        self._requests = ThreadPoolExecutor(REQUESTS, f"redun-{executor.name}-requests")
        self._transfers = ThreadPoolExecutor(executor.remote.transfers, f"redun-{executor.name}-transfers")
        self._sender = Sender(executor, context, scratch, self._asking, self._in_parallel)
        self._grouping = Grouping(executor.remote, scratch, executor.limits.max_array_size)
        self._pace = Pace(executor.remote.job_monitor_interval)
        self._is_looking = False
        self._failed_looks = 0
        self._in_flight: dict[Unit, None] = {}
        self._reunion: Reunion | None = None
        self._held: list[RemoteCall] = []
        """Calls that came before it was known what others have in flight."""
        self._litter: set[str] = set()
        """Files that nobody needs any more."""
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name=f"redun-{executor.name}", daemon=True)

    # -- called by other threads --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def accept(self, calls: Sequence[TaskCall]) -> None:
        """Take calls."""
        self._inbox.put(partial(self._accept, list(calls)))

    def cancel(self, job_ids: Sequence[int]) -> None:
        """End these calls."""
        self._inbox.put(partial(self._cancel, frozenset(job_ids)))

    def end(self) -> None:
        """End what is in flight, or leave it; returns when nothing is reported any more."""
        self._stopping.set()  # so that nobody waits for a service that is busy
        self._inbox.put(self._stop)
        self._thread.join()

    def _in_parallel(self, function: Callable[[Any], None], items: Iterable[Any]) -> None:
        for _ in self._transfers.map(function, items):
            pass

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._guarded(connect_filesystems)
        self._guarded(self._executor.open)
        while not self._is_over:
            with suppress(Empty):
                self._guarded(self._inbox.get(timeout=self._patience()))
                while not self._is_over:
                    self._guarded(self._inbox.get_nowait())
            if not self._stopping.is_set():
                self._guarded(self._release)
                self._guarded(self._look)

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:
            self._reports.sink.broken(error)

    def _patience(self) -> float | None:
        """How long to wait for a message."""
        deadlines = [self._grouping.next_deadline()]
        if self._in_flight and not self._is_looking:
            deadlines.append(self._pace.due)
        known = [deadline for deadline in deadlines if deadline is not None]
        return max(0.0, min(known) - time.monotonic()) if known else None

    def _give(
        self,
        crew: ThreadPoolExecutor,
        work: Callable[[], Any],
        then: Callable[[Any], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        """Have a crew do something, and go on with what comes of it."""

        def run() -> None:
            try:
                result = work()
            except StoppedError:
                return
            except BaseException as error:
                self._inbox.put(partial(failed, error))
            else:
                self._inbox.put(partial(then, result))

        if not self._stopping.is_set():
            with suppress(RuntimeError):  # stopped this very moment
                crew.submit(run)

    # -- calls that come ----------------------------------------------------------------------------------------------

    def _accept(self, calls: list[TaskCall]) -> None:
        items = [remote_call(self._scratch, call) for call in calls]
        self._reports.live.update((item.job_id, item) for item in items)
        if self._reunion is None and (self._held or any(item.shares_output for item in items)):
            if not self._held:
                self._give(self._requests, self._find_earlier, self._found, self._not_found)
            self._held += items
            return
        for item in items:
            self._place(item)

    def _find_earlier(self) -> Reunion:
        executor, ask = self._executor, self._asking.ask
        return find_earlier(
            self._scratch,
            lambda prefix: ask(lambda: list(executor.list_in_flight(prefix))),
            executor.child_id,
            self._in_parallel,
        )

    def _found(self, reunion: Reunion) -> None:
        self._reunion = reunion
        held, self._held = self._held, []
        for item in held:
            self._place(item)

    def _not_found(self, error: BaseException) -> None:
        if self._is_fatal(error):
            self._reports.sink.broken(error)
            return
        self._logger.warning(
            "Executor %s cannot find out which jobs others have in flight, and may run some of them a second time: %s",
            self._executor.name,
            describe_error(error),
        )
        self._found(Reunion())

    def _place(self, item: RemoteCall) -> None:
        """Find a call a job: one that runs already, or one that is to be submitted."""
        reunion = self._reunion
        if reunion is not None and item.shares_output:
            key = item.call.eval_hash
            unit = reunion.running.get(key)
            if unit is not None and not unit.has_ended:
                self._attach(item, unit)
                return
            if unit is not None or key in reunion.maybe_done:
                work = partial(read_output, item)
                self._give(self._transfers, work, partial(self._checked, item), partial(self._reports.error, item))
                return
        self._add(item)

    def _add(self, item: RemoteCall) -> None:
        item.unit = None
        self._grouping.add(item, self._executor.can_group(item.call), time.monotonic())

    def _attach(self, item: RemoteCall, unit: Unit) -> None:
        item.unit = unit
        unit.calls.append(item)
        if unit not in self._in_flight:
            self._in_flight[unit] = None
            self._in_background(partial(write_file, claim_file(self._scratch, unit), b""))
        self._pace.changed()

    def _checked(self, item: RemoteCall, fate: Fate | None) -> None:
        if item.is_cancelled:
            self._reports.cancelled(item)
        elif fate is None:
            self._add(item)
        else:
            self._end(fate)

    # -- jobs that are submitted --------------------------------------------------------------------------------------

    def _release(self) -> None:
        shipments = self._grouping.release(time.monotonic())
        if shipments:
            # What goes wrong with calls is among what it returns.
            self._give(self._requests, partial(self._prepare, shipments), self._prepared, self._reports.sink.broken)

    def _prepare(self, shipments: list[Shipment]) -> tuple[list[Shipment], list[tuple[RemoteCall, BaseException]]]:
        failures = self._sender.encode(shipments)
        shipments = [shipment for shipment in shipments if shipment.units]
        try:
            write_intent(self._scratch, shipments)
        except ScratchError as error:
            failures += [(item, error) for shipment in shipments for item in shipment.calls]
            shipments = []
        return shipments, failures

    def _prepared(self, made: tuple[list[Shipment], list[tuple[RemoteCall, BaseException]]]) -> None:
        shipments, failures = made
        for item, error in failures:
            self._reports.error(item, error)
        for shipment in shipments:
            if all(item.is_cancelled for item in shipment.calls):
                for unit in shipment.units:
                    self._end_cancelled(unit)
                continue
            send = partial(self._sender.send, shipment)
            self._give(self._requests, send, partial(self._submitted, shipment), partial(self._not_sent, shipment))

    def _not_sent(self, shipment: Shipment, error: BaseException) -> None:
        if self._is_fatal(error):
            self._reports.sink.broken(error)
        failure = submission_failed(self._executor.name, shipment, error)
        for unit in shipment.units:
            self._settle(unit)
            for item in unit.calls:
                self._reports.error(item, failure)

    def _submitted(self, shipment: Shipment, remote_id: str) -> None:
        shipment.remote_id = remote_id
        for unit in shipment.units:
            unit.remote_id = self._executor.child_id(remote_id, unit.index) if shipment.is_array else remote_id
            if any(self._reports.is_live(item) for item in unit.calls):
                self._in_flight[unit] = None
        self._pace.changed()
        self._let_go(shipment.units)

    # -- jobs that run ------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._in_flight and not self._is_looking and time.monotonic() >= self._pace.due:
            self._is_looking = True
            units = list(self._in_flight)
            work = partial(describe, self._executor, self._asking, [unit.remote_id for unit in units])
            self._give(self._requests, work, partial(self._looked, units), self._not_looked)

    def _looked(self, units: list[Unit], reports: Mapping[str, JobReport]) -> None:
        self._is_looking = False
        self._failed_looks = 0
        self._pace.looked(-(-len(units) // self._executor.limits.ids_per_describe))
        for unit in units:
            if unit in self._in_flight:
                self._take_report(unit, reports.get(unit.remote_id) or JobReport(JobState.UNKNOWN))

    def _not_looked(self, error: BaseException) -> None:
        self._is_looking = False
        self._failed_looks += 1
        self._pace.looked(1)
        if self._is_fatal(error) or self._failed_looks >= MOST_FAILED_LOOKS:
            self._reports.sink.broken(error)
            return
        self._logger.warning(
            "Executor %s cannot look at its jobs, and tries again: %s", self._executor.name, describe_error(error)
        )

    def _take_report(self, unit: Unit, report: JobReport) -> None:
        self._reports.tags(unit, report)
        if report.state is JobState.UNKNOWN:
            # A job that was just submitted may not be known everywhere yet.
            now = time.monotonic()
            unit.unknown_since = unit.unknown_since or now
            if now - unit.unknown_since < self._executor.unknown_seconds:
                return
        elif report.state in (JobState.WAITING, JobState.RUNNING):
            unit.unknown_since = None
            if report.state is JobState.RUNNING:
                self._reports.started(unit)
            return
        del self._in_flight[unit]
        unit.has_ended = True
        self._pace.changed()
        if self._reports.is_unwanted(unit):
            self._end_cancelled(unit)
            return
        work = partial(fetch, unit, report, partial(self._asking.ask, self._executor.log_tail))
        self._give(self._transfers, work, partial(self._fetched, unit), partial(self._not_fetched, unit))

    # -- calls that end -----------------------------------------------------------------------------------------------

    def _fetched(self, unit: Unit, fates: list[Fate]) -> None:
        for fate in fates:
            item = fate.item
            if not self._reports.is_live(item):
                continue
            if item.is_cancelled:
                self._reports.cancelled(item)
            elif fate.outcome is Again.NOT_BEGUN:
                self._add(item)
            elif fate.outcome is Again.LOST:
                self._submit_again(item, unit)
            else:
                self._end(fate)
        self._settle(unit)

    def _submit_again(self, item: RemoteCall, unit: Unit) -> None:
        item.losses += 1
        if item.losses > 1:
            self._reports.error(item, output_lost(unit, item))
            return
        set_apart(self._scratch, item)
        self._add(item)

    def _not_fetched(self, unit: Unit, error: BaseException) -> None:
        for item in unit.calls:
            self._reports.error(item, error)
        self._settle(unit)

    def _end(self, fate: Fate) -> None:
        if fate.seconds is not None:
            self._grouping.learn(fate.item.call.target.full_name, fate.seconds)
        self._reports.outcome(fate)

    def _end_cancelled(self, unit: Unit) -> None:
        for item in unit.calls:
            self._reports.cancelled(item)
        self._settle(unit)

    def _settle(self, unit: Unit) -> None:
        """Nobody needs to find a job again."""
        intent = unit.shipment.intent if unit.shipment is not None else None
        if unit.is_reunited:
            self._remove(claim_file(self._scratch, unit))
        elif intent is not None:
            intent.pending -= 1
            if not intent.pending:
                self._remove(intent.path)

    def _remove(self, path: str) -> None:
        """Have a file removed, at the latest by `_stop`."""
        self._litter.add(path)
        self._in_background(partial(remove_file, path), lambda _: self._litter.discard(path))

    def _in_background(self, work: Callable[[], object], then: Callable[[Any], object] = lambda _: None) -> None:
        self._give(self._transfers, work, then, lambda _: None)

    def _is_fatal(self, error: BaseException) -> bool:
        return (
            isinstance(error, Exception)
            and not isinstance(error, ScratchError)
            and self._executor.error_kind(error) is ErrorKind.BROKEN
        )

    # -- cancelling and stopping --------------------------------------------------------------------------------------

    def _cancel(self, job_ids: frozenset[int]) -> None:
        dropped = [item for item in self._held if item.job_id in job_ids] + self._grouping.drop(job_ids)
        self._held = [item for item in self._held if item.job_id not in job_ids]
        for item in dropped:
            self._reports.cancelled(item)
        items = [self._reports.live[job_id] for job_id in job_ids if job_id in self._reports.live]
        for item in items:
            item.is_cancelled = True
        units = dict.fromkeys(item.unit for item in items if item.unit is not None and item.unit.remote_id)
        self._let_go([unit for unit in units if unit is not None])

    def _let_go(self, units: Sequence[Unit]) -> None:
        """End the jobs that nobody waits for any more; of those that go on, cancelled calls have ended now."""
        ending = [unit for unit in units if self._reports.is_unwanted(unit) and self._ends(unit)]
        self._terminate(ending)
        for unit in units:
            if unit not in ending:
                for item in unit.calls:
                    if item.is_cancelled:
                        self._reports.cancelled(item)
                if self._reports.is_unwanted(unit):
                    self._in_flight.pop(unit, None)

    def _ends(self, unit: Unit) -> bool:
        """Whether cancelling ends a job at all."""
        return self._executor.remote.on_cancel == "terminate" and not unit.is_reunited

    def _terminate(self, units: list[Unit]) -> None:
        units = [unit for unit in units if unit in self._in_flight]
        if units:
            work = partial(end_jobs, self._executor, self._scratch, self._asking, units)
            self._give(self._requests, work, self._terminated, self._not_terminated)

    def _terminated(self, kept: set[Unit]) -> None:
        self._pace.changed()
        for unit in kept:
            self._in_flight.pop(unit, None)
            for item in unit.calls:
                self._reports.cancelled(item)

    def _not_terminated(self, error: BaseException) -> None:
        self._logger.warning("Executor %s cannot end jobs: %s", self._executor.name, describe_error(error))

    def _stop(self) -> None:
        self._requests.shutdown(wait=True, cancel_futures=True)
        self._transfers.shutdown(wait=True, cancel_futures=True)
        with suppress(Empty):
            while True:
                self._guarded(self._inbox.get_nowait())  # such as that a job was submitted
        units = [unit for unit in self._in_flight if self._ends(unit)]
        intents = {unit.shipment.intent for unit in units if unit.shipment is not None}
        try:
            # Where somebody else waits for one of them, it needs its file.
            if units and not end_jobs_at_last(self._executor, self._scratch, units):
                self._litter.update(intent.path for intent in intents if intent is not None)
        except Exception as error:
            self._not_terminated(error)
        for path in self._litter:
            with suppress(ScratchError):  # it will be removed when it is old
                remove_file(path)
        for item in list(self._reports.live.values()):
            self._reports.cancelled(item)
        self._guarded(self._executor.close)
        self._is_over = True
