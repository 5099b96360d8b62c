"""What differs between two executions: which calls, and in what."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from redun.errors import UsageError
from redun.provenance.changes import argument_changes, code_change, value_change
from redun.provenance.liveness import JobStatuses
from redun.provenance.places import is_same_error
from redun.provenance.reading_ahead import ReadingAhead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, ExecutionRecord, JobRow, Status
    from redun.provenance.changes import CodeChange, FileChange, ValueChange

MOST_JOBS = 5_000
"""How many jobs of each execution are compared one by one; equal calls are told apart by their hash, unread."""
_MOST_PAIRED = 40
"""Up to how many calls of a task below one job are paired by how alike their arguments are; more go by their order."""
_PAGE = 1000
_READ_AHEAD = 200
_MOST_CHILDREN = 100_000
_FINE = frozenset({"DONE", "CACHED"})
"""Statuses that are no difference: whether a call ran is in the table."""


@dataclass(frozen=True, slots=True)
class JobDifference:
    """Two jobs at the same place of the call tree whose calls differ, or one that has no counterpart."""

    depth: int
    before: JobRow | None
    after: JobRow | None
    code: CodeChange | None = None
    arguments: tuple[ValueChange, ...] = ()
    result: ValueChange | None = None
    """Of calls that came out differently, also where one of them failed."""
    context: ValueChange | None = None
    """Where another context begins: at the root, or at a call that was given one. Not told of all calls below."""
    statuses: tuple[str, str] | None = None
    """Of jobs of which one failed and the other did not, or did not come to its end: by name."""
    differs_below: bool = False
    """Whether calls below it differ."""

    @property
    def what(self) -> tuple[str, ...]:
        """In a word each, what differs."""
        if self.before is None:
            return ("added",)
        if self.after is None:
            return ("removed",)
        words = ["code"] if self.code is not None else []
        words += [f"argument {change.name}" for change in self.arguments]
        words += ["context"] if self.context is not None else []
        if self.statuses is not None:
            words.append(" became ".join(self.statuses))
        elif self.result is not None:
            words.append("result")
        return tuple(words) or (("calls below",) if self.differs_below else ())


@dataclass(slots=True)
class ExecutionDifference:
    """What differs between two executions."""

    before: ExecutionRecord
    after: ExecutionRecord
    counts: dict[str, tuple[Counter[Status], Counter[Status]]]
    """By task: how many of its jobs ended in which state, in either execution."""
    jobs: list[JobDifference] = field(default_factory=list)
    """In the order of the call tree."""
    codes: dict[str, CodeChange] = field(default_factory=dict)
    """By task: how its code differs."""
    files: dict[str, FileChange] = field(default_factory=dict)
    """By path: the files among arguments and results that differ."""
    is_complete: bool = True
    """False where there were more jobs than are compared: what is listed differs, and there may be more."""

    def number_of(self, kind: str) -> int:
        """How many jobs were `changed`, `added` or `removed`."""
        kinds = (each.what[0] if each.before is None or each.after is None else "changed" for each in self.jobs)
        return sum(each == kind for each in kinds)


def difference(backend: Backend, before_id: str, after_id: str, most: int = MOST_JOBS) -> ExecutionDifference:
    """Compare two executions, job by job from the root, leaving out whatever made exactly the same calls.

    before_id, after_id: full ids. most: how many jobs of each are compared at most.

    Raises UsageError for an execution that is not there.
    """
    before, after = (_execution(backend, each) for each in (before_id, after_id))
    found = ExecutionDifference(before, after, _counts(backend, before_id, after_id))
    _Comparison(backend, found, most).run()
    return found


def _execution(backend: Backend, execution_id: str) -> ExecutionRecord:
    found = backend.execution(execution_id)
    if found is None:
        raise UsageError(f"execution {execution_id} is not in the repository")
    return found


def _counts(backend: Backend, before_id: str, after_id: str) -> dict[str, tuple[Counter[Status], Counter[Status]]]:
    counts: defaultdict[str, tuple[Counter[Status], Counter[Status]]] = defaultdict(lambda: (Counter(), Counter()))
    for position, execution_id in enumerate((before_id, after_id)):
        for name, status, count in backend.task_counts(execution_id):
            counts[name][position][status] += count
    return dict(sorted(counts.items()))


class _Pair(NamedTuple):
    """Two jobs that are to be compared."""

    depth: int
    before: JobRow | None
    after: JobRow | None
    contexts: tuple[bytes, bytes] = (b"", b"")
    """Those of the calls above."""


class _Comparison:
    def __init__(self, backend: Backend, found: ExecutionDifference, most: int) -> None:
        self._backend = backend
        self._found = found
        self._left = most
        self._ahead = ReadingAhead(backend)
        self._codes: dict[tuple[bytes, bytes], CodeChange | None] = {}
        self._statuses = JobStatuses(backend)

    def run(self) -> None:
        """Walk down both call trees at once, with an explicit stack: they may be of any depth."""
        roots = [self._backend.job(each.id, 1) for each in (self._found.before, self._found.after)]
        stack: list[_Pair] = [_Pair(0, roots[0], roots[1])]
        if roots[0] is not None and roots[1] is not None and roots[0].task_name != roots[1].task_name:
            stack = [_Pair(0, None, roots[1]), _Pair(0, roots[0], None)]
        while stack:
            if self._left <= 0:
                self._found.is_complete = False
                break
            depth, before, after, contexts = stack.pop()
            if before is not None and after is not None:
                if before.call_hash == after.call_hash and before.call_hash is not None:
                    continue
                self._left -= 1
                self._read_ahead(before, after, stack)
                contexts, goes_on = self._compare(depth, before, after, contexts)
                if not goes_on:
                    continue
                pairs = _paired(self._backend, self._children(before), self._children(after))
            else:
                self._left -= 1
                self._found.jobs.append(JobDifference(depth, before, after))
                most = self._left
                pairs = [(row, None) for row in self._children(before, most)]
                pairs += [(None, row) for row in self._children(after, most)]
            stack.extend(_Pair(depth + 1, *pair, contexts) for pair in reversed(pairs))
        self._found.jobs = _telling(self._found.jobs)

    def _read_ahead(self, before: JobRow, after: JobRow, stack: list[_Pair]) -> None:
        """Read the calls of a pair, and with them those of the pairs that come next."""
        here = (before.call_hash, after.call_hash)
        if self._ahead.has_calls([each for each in here if each is not None]):
            return
        both = [(old.call_hash, new.call_hash) for _, old, new, _ in stack[-_READ_AHEAD:] if old and new]
        self._ahead.read([here, *(pair for pair in both if pair[0] != pair[1])])

    def _compare(
        self, depth: int, before: JobRow, after: JobRow, contexts: tuple[bytes, bytes]
    ) -> tuple[tuple[bytes, bytes], bool]:
        """Tell what differs.

        contexts: those of the calls above.

        Gives the contexts of these calls, and whether the calls below can be compared: those of a final result were not
        made again.
        """
        calls = self._ahead.calls([each for each in (before.call_hash, after.call_hash) if each is not None])
        old, new = calls.get(before.call_hash or b""), calls.get(after.call_hash or b"")
        versions = (before.task_hash, after.task_hash)
        if versions not in self._codes:
            self._codes[versions] = code_change(self._ahead, *versions)
        code = self._codes[versions]
        arguments: Sequence[ValueChange] = ()
        result = context = None
        is_below_known = not any(
            call is not None and call.children and not job.child_count for call, job in ((old, before), (new, after))
        )
        differs_below = False
        if old is not None and new is not None:
            arguments = argument_changes(self._ahead, old, new)
            result = self._result(old, new)
            here = (old.context_hash, new.context_hash)
            if here[0] != here[1] and here != contexts:
                context = value_change(self._ahead, "context", here[0] or None, here[1] or None)
            contexts = here
            if not is_below_known:
                differs_below = old.task_set_hash != new.task_set_hash or here[0] == here[1]
        difference = JobDifference(
            depth,
            before,
            after,
            code,
            tuple(arguments),
            result,
            context,
            self._statuses_apart(before, after),
            differs_below,
        )
        self._found.jobs.append(difference)
        if code is not None:
            self._found.codes.setdefault(after.task_name, code)
        for change in (*arguments, *([result] if result is not None else [])):
            for file in change.files:
                self._found.files.setdefault(file.path, file)
        return contexts, is_below_known

    def _result(self, old: CallRecord, new: CallRecord) -> ValueChange | None:
        if old.value_hash == new.value_hash:
            return None
        if old.is_error and new.is_error:
            # The traceback is recorded with the error, and names the jobs of its execution.
            errors = self._ahead.load_values([old.value_hash, new.value_hash])
            if is_same_error(errors.get(old.value_hash), errors.get(new.value_hash)):
                return None
        return value_change(self._ahead, "result", old.value_hash, new.value_hash)

    def _statuses_apart(self, before: JobRow, after: JobRow) -> tuple[str, str] | None:
        names = self._statuses.of(before), self._statuses.of(after)
        return None if names[0] == names[1] or _FINE.issuperset(names) else names

    def _children(self, job: JobRow | None, most: int = _MOST_CHILDREN) -> list[JobRow]:
        rows: list[JobRow] = []
        if job is None or not job.child_count:
            return rows
        # Equal calls among them cost little: they are left out without being read.
        while len(rows) <= most:
            after = rows[-1].number if rows else 0
            page = self._backend.jobs(job.execution_id, parent=job.number, after=after, limit=_PAGE)
            rows += page
            if len(page) < _PAGE:
                return rows
        self._found.is_complete = False
        return rows


def _telling(jobs: list[JobDifference]) -> list[JobDifference]:
    """Those with something to tell, and those above them."""
    kept: list[JobDifference] = []
    for job in reversed(jobs):
        if job.what:
            kept.append(job)
        elif kept and kept[-1].depth > job.depth:
            kept.append(replace(job, differs_below=True))
    return kept[::-1]


def _paired(backend: Backend, before: list[JobRow], after: list[JobRow]) -> list[tuple[JobRow | None, JobRow | None]]:
    """The jobs below two jobs, each with its counterpart, in the order of the later ones.

    Equal calls belong together, then equal code and arguments, then calls of the same task: by how alike they are.
    """
    counterpart: dict[int, JobRow] = {}
    old, new = before, after
    for key in ("call_hash", "eval_hash"):
        waiting: defaultdict[bytes | None, list[JobRow]] = defaultdict(list)
        for row in reversed(old):
            waiting[getattr(row, key)].append(row)
        for row in new:
            value_hash: bytes | None = getattr(row, key)
            if value_hash is not None and waiting[value_hash]:
                counterpart[row.number] = waiting[value_hash].pop()
        taken = {row.number for row in counterpart.values()}
        old = [row for row in old if row.number not in taken]
        new = [row for row in new if row.number not in counterpart]
    for name in dict.fromkeys(row.task_name for row in new):
        those = [[row for row in rows if row.task_name == name] for rows in (old, new)]
        counterpart.update(_alike(backend, *those))
    taken = {row.number for row in counterpart.values()}
    pairs: list[tuple[JobRow | None, JobRow | None]] = [(counterpart.get(row.number), row) for row in after]
    return [*pairs, *((row, None) for row in before if row.number not in taken)]


def _alike(backend: Backend, old: list[JobRow], new: list[JobRow]) -> dict[int, JobRow]:
    """Pairs of calls of one task, by the number of the later one."""
    if len(old) * len(new) > _MOST_PAIRED**2:
        return {after.number: before for before, after in zip(old, new, strict=False)}
    calls = backend.calls([row.call_hash for row in (*old, *new) if row.call_hash is not None])
    scored = sorted(
        (-_in_common(calls.get(a.call_hash or b""), calls.get(b.call_hash or b"")), abs(i - j), j, i)
        for i, a in enumerate(old)
        for j, b in enumerate(new)
    )
    pairs: dict[int, JobRow] = {}
    taken: set[int] = set()
    for _, _, j, i in scored:
        if new[j].number not in pairs and i not in taken:
            pairs[new[j].number] = old[i]
            taken.add(i)
    return pairs


def _in_common(before: CallRecord | None, after: CallRecord | None) -> int:
    if before is None or after is None:
        return 0
    old = {(argument.name, argument.value_hash) for argument in before.arguments}
    return sum((argument.name, argument.value_hash) in old for argument in after.arguments)
