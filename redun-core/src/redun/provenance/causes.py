"""What distinguishes a call from an earlier one, and which jobs of its execution that came from."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from redun.backends.records import Status
from redun.provenance.again import context_reason, reasons_to_run_again
from redun.provenance.changes import argument_changes, code_change
from redun.provenance.earlier import same_before
from redun.provenance.from_cache import explain_cached
from redun.provenance.nearest import nearest_call
from redun.provenance.parents import Parents, Place
from redun.provenance.reasons import Cause, Reason, ReasonKind, named
from redun.provenance.upstream import sources_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.base import Backend
    from redun.backends.records import Argument, CallRecord, JobRow
    from redun.provenance.changes import ValueChange
    from redun.provenance.nearest import Nearest

_MOST_CAUSES = 3
"""How many jobs are followed, for all reasons of one explanation together."""
_MOST_SOURCES = 1000
"""How many of the calls are looked at that an argument was passed on from."""


class _Outcomes(NamedTuple):
    """What calls returned, or their errors."""

    by_position: dict[int, bytes]
    """Among the calls that an argument came from."""
    by_arguments: dict[tuple[str, bytes], bytes]
    """By the name of the task and the hash of the arguments."""

    def has(self, position: int, task_name: str, call: CallRecord) -> bool:
        """Whether a call, or one at its position, had come out like this."""
        known = (self.by_arguments.get((task_name, call.args_hash)), self.by_position.get(position))
        return call.value_hash in known


class Differences:
    """Tells differences, following changed arguments to the jobs that they came from: few of them, and each once."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._seen: set[bytes] = set()
        self._task_names: dict[bytes, str] = {}

    def of(self, job: JobRow, call: CallRecord, nearest: Nearest | None) -> list[Reason]:
        """What distinguishes a call from the nearest earlier one."""
        backend = self._backend
        if nearest is None:
            return [Reason(ReasonKind.FIRST_CALL, f"no earlier call of {job.task_name} is recorded")]
        reasons = []
        code = code_change(backend, nearest.call.task_hash, call.task_hash)
        if code is not None:
            text = f"the code of {job.task_name} differs from that of {named(nearest.job)}"
            reasons.append(Reason(ReasonKind.CODE, text, code.lines or (code.note,), code=code))
        if nearest.call.args_hash != call.args_hash:
            for change in argument_changes(backend, nearest.call, call):
                causes, more = self._causes(job, call, nearest, change.name)
                text = argument_text(change)
                reasons.append(
                    Reason(ReasonKind.ARGUMENT, text, change.details, change, causes=causes, more_causes=more)
                )
        if nearest.call.context_hash != call.context_hash:
            reasons.append(context_reason(backend, nearest.call, call))
        return reasons or [
            Reason(ReasonKind.UNKNOWN, f"nothing recorded differs from the call of {named(nearest.job)}")
        ]

    def _causes(self, job: JobRow, call: CallRecord, nearest: Nearest, name: str) -> tuple[tuple[Cause, ...], int]:
        """The jobs of this execution that a changed argument came from, and why they came out differently.

        Those that came out as the calls did that the earlier argument came from are none of them. And how many are not
        told.
        """
        argument, other = _argument(call, name), _argument(nearest.call, name)
        if argument is None:
            return (), 0
        sources = self._sources(job, argument, other, nearest.job)
        causes: list[Cause] = []
        for position, source_call in enumerate(sources):
            if len(self._seen) >= _MOST_CAUSES:
                return tuple(causes), sum(each.call_hash not in self._seen for each in sources[position:])
            source = self._job_here(job, source_call)
            if source is None or source_call.call_hash in self._seen:
                continue
            self._seen.add(source_call.call_hash)
            reasons = self._why(source, source_call)
            causes.append(Cause(source, summary(reasons)))
            causes += [cause for reason in reasons for cause in reason.causes]
        return tuple(causes), 0

    def _sources(
        self, job: JobRow, argument: Argument, other: Argument | None, other_job: JobRow
    ) -> Sequence[CallRecord]:
        """The calls that an argument came from, in the order of its parts, but for those that came out as before."""
        now = self._hashes(job, argument)
        before = self._hashes(other_job, other) if now and other is not None else ()
        # Told apart by their hashes first: a list may be made of the results of a million calls.
        known = set(before)
        wanted = [(position, each) for position, each in enumerate(now) if each not in known][:_MOST_SOURCES]
        found = self._backend.calls([each for _, each in wanted])
        outcomes = self._outcomes(wanted, now, before)
        return [
            found[each]
            for position, each in wanted
            if each in found and not outcomes.has(position, self._task_name(found[each]), found[each])
        ]

    def _hashes(self, job: JobRow, argument: Argument) -> Sequence[bytes]:
        return argument.upstream or [each.call_hash for each in self._passed_on(job, argument)]

    def _outcomes(self, wanted: list[tuple[int, bytes]], now: Sequence[bytes], before: Sequence[bytes]) -> _Outcomes:
        """What came out of the earlier calls in the place of those that are new."""
        is_aligned = len(now) == len(before)
        kept = set(now)
        gone = [each for each in before if each not in kept][:_MOST_SOURCES]
        opposite = {position: before[position] for position, _ in wanted} if is_aligned else {}
        found = self._backend.calls(list(dict.fromkeys([*opposite.values(), *gone])))
        return _Outcomes(
            {position: found[each].value_hash for position, each in opposite.items() if each in found},
            {(self._task_name(each), each.args_hash): each.value_hash for each in found.values()},
        )

    def _task_name(self, call: CallRecord) -> str:
        if call.task_hash not in self._task_names:
            task = self._backend.task(call.task_hash)
            self._task_names[call.task_hash] = "" if task is None else f"{task.namespace}.{task.name}"
        return self._task_names[call.task_hash]

    def _passed_on(self, job: JobRow, argument: Argument) -> Sequence[CallRecord]:
        found, _ = sources_of(self._backend, Place(job, None), argument, Parents(self._backend))
        return list(islice(found, _MOST_SOURCES))

    def _job_here(self, job: JobRow, call: CallRecord) -> JobRow | None:
        """The job of this execution that made a call: rather one that ran than one that had it from another."""
        rows = self._backend.jobs_of_call_before(call.call_hash, job.execution_id, job.number)
        here = [row for row in rows if row.execution_id == job.execution_id]
        return next((row for row in here if row.status is not Status.CACHED), here[0] if here else None)

    def _why(self, source: JobRow, call: CallRecord) -> list[Reason]:
        if source.status is Status.CACHED:
            [reason] = explain_cached(self._backend, source, call).reasons
            below = f" ({', '.join(reason.lines)})" if reason.lines else ""
            return [Reason(reason.kind, reason.text + below)]
        same = same_before(self._backend, source)
        if same:
            return reasons_to_run_again(self._backend, source, call, same)
        return self.of(source, call, nearest_call(self._backend, source, call))


def _argument(call: CallRecord, name: str) -> Argument | None:
    return next((argument for argument in call.arguments if argument.name == name), None)


def argument_text(change: ValueChange) -> str:
    """That an argument differs, in one sentence."""
    if change.path is not None:
        kind = "directory" if change.is_directory else "file"
        return f"the argument {change.name} is another state of the {kind} {change.path}"
    if change.handle is not None:
        return f"the argument {change.name} is another state of the handle {change.handle}"
    if change.is_long:
        return f"the argument {change.name} differs"
    if change.before_hash is None:
        return f"the argument {change.name} is new: {change.after}"
    if change.after_hash is None:
        return f"the argument {change.name} is gone: it was {change.before}"
    return f"the argument {change.name} was {change.before} and is {change.after}"


def summary(reasons: list[Reason]) -> str:
    """Several reasons in one sentence."""
    first = reasons[0].text
    return first if len(reasons) == 1 else f"{first}, and {len(reasons) - 1} more"
