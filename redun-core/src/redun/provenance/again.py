"""Why a call ran although the same call had been made before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import EntityKind
from redun.provenance.changes import code_change, is_file_set, links_inside, value_change
from redun.provenance.options_known import options_behind, switches_cache_off
from redun.provenance.preview import preview
from redun.provenance.reasons import Reason, ReasonKind, named
from redun.provenance.roll_backs import roll_back_reasons

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow
    from redun.provenance.nearest import Nearest

_PREVIEW = 200
_SHOWN = 3
_MOST_LINES = 20
USES_CACHE = "redun.cache"
"""Key of the tag that an execution has, with the value false, if it was started without the cache."""


def reasons_to_run_again(backend: Backend, job: JobRow, call: CallRecord, earlier: list[Nearest]) -> list[Reason]:
    """Say why the result of none of the earlier calls, which are equal and come newest first, was used."""
    off = _switched_off(backend, job)
    if off is not None:
        return [off]
    good = next((each for each in earlier if not each.call.is_error), None)
    if good is None:
        failed = earlier[0]
        error = preview(backend.load_values([failed.call.value_hash]).get(failed.call.value_hash), _PREVIEW)
        text = f"the same call failed in {named(failed.job)}, and failures are not cached"
        return [Reason(ReasonKind.FAILED_BEFORE, text, (error,))]
    reasons = _result_reasons(backend, call, good)
    if not reasons:
        reasons = _task_reasons(backend, call, good)
        if good.call.context_hash != call.context_hash:
            reasons.append(context_reason(backend, good.call, call))
        reasons += _option_reasons(backend, job, good.job)
        reasons = reasons or roll_back_reasons(backend, job, good)
    if reasons:
        return reasons
    text = (
        f"{named(good.job)} made the same call, and the stored facts do not say why its result was not used: "
        "options may keep it from the cache, a value in the result may have said that it no longer holds, "
        "or the result was missing from the repository then, or damaged"
    )
    return [Reason(ReasonKind.UNKNOWN, text)]


def _switched_off(backend: Backend, job: JobRow) -> Reason | None:
    tags = backend.tags(EntityKind.EXECUTION, [job.execution_id]).get(job.execution_id, ())
    if any(tag.key == USES_CACHE and tag.value is False for tag in tags):
        execution = backend.execution(job.execution_id)
        is_typed = execution is not None and "--no-cache" in execution.args
        text = f"the execution was started with {'--no-cache' if is_typed else 'cache=False'}"
        return Reason(ReasonKind.NO_CACHE_RUN, text)
    options = _options(backend, job)
    if options is not None and switches_cache_off(options):
        shown = ", ".join(f"{name}={value!r}" for name, value in options.items() if name.startswith("cache"))
        return Reason(ReasonKind.NO_CACHE_TASK, f"earlier executions do not count for it: {shown}")
    return None


def _options(backend: Backend, job: JobRow) -> dict[str, object] | None:
    hashes = backend.options_hashes(job.execution_id, [job.number])
    return options_behind(hashes.get(job.number), job.executor)


def _result_reasons(backend: Backend, call: CallRecord, good: Nearest) -> list[Reason]:
    """What is wrong with the earlier result: it is gone, or a file in it is no longer what it was."""
    before = good.call.raw_hash or good.call.value_hash
    if not backend.load_values([before]):
        text = (
            f"the result of {named(good.job)} is missing from the repository now, or damaged; "
            "since when, it is not recorded"
        )
        return [Reason(ReasonKind.RESULT_LOST, text)]
    old, new = _Files(), _Files()
    old.add(backend, before)
    if not call.is_error:
        new.add(backend, call.value_hash)
        new.add(backend, call.raw_hash or call.value_hash)
    if old.sets and not call.is_error:
        return _set_reasons(old, new, good)
    lines = []
    for path, state in old.states.items():
        now = new.states.get(path)
        if now is None:
            lines.append(f"{path}: was in state {state.hex()[:8]}")
        elif now != state:
            lines.append(f"{path}: was in state {state.hex()[:8]}, and is {now.hex()[:8]} after the job")
    changed = [path for path, state in old.states.items() if path in new.states and new.states[path] != state]
    if not lines or (new.states and not changed):
        return []
    said = "was no longer there as it was recorded" if changed else "may no longer have been there as recorded"
    files = ", ".join((changed or list(old.states))[:_SHOWN])
    text = f"the result of {named(good.job)} holds {files}, which {said}: changed or gone"
    return [Reason(ReasonKind.RESULT_CHANGED, text, tuple(lines))]


def _set_reasons(old: _Files, new: _Files, good: Nearest) -> list[Reason]:
    """What is wrong with an earlier result that holds a directory, or files by a pattern.

    What the job wrote again says nothing: a file that only one of the results holds is the more likely cause.
    """
    come = [path for path in new.states if path not in old.states]
    gone = [path for path in old.states if path not in new.states]
    changed = [path for path, state in old.states.items() if path in new.states and new.states[path] != state]
    if not (come or gone or changed):
        return []
    what = f"the directory {', '.join(old.directories)}" if old.directories else "files"
    text = f"the result of {named(good.job)} holds {what}, no longer as recorded"
    lines = [f"{path}: not in the earlier result" for path in come]
    lines += [f"{path}: only in the earlier result" for path in gone]
    if lines:
        said = [f"{', '.join(paths[:_SHOWN])} {word}" for paths, word in ((come, "came"), (gone, "went")) if paths]
        text = f"{text}: {', '.join(said)}"
        if changed:
            lines.append(f"{len(changed)} more are in another state after the job, which may have written them again")
    else:
        text = f"{text}: a file in it was changed, or gone, or there was one more"
        lines = [
            f"{path}: was in state {old.states[path].hex()[:8]}, and is {new.states[path].hex()[:8]} after the job"
            for path in changed
        ]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"and {len(lines) - _MOST_LINES} more"]
    return [Reason(ReasonKind.RESULT_CHANGED, text, tuple(lines))]


class _Files:
    """The files in values."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {}
        """By path; without the directories, which are told by what is in them."""
        self.directories: list[str] = []
        self.sets = 0
        """How many directories there are, and other sets of files."""

    def add(self, backend: Backend, value_hash: bytes) -> None:
        links = {**backend.value_links([value_hash]), **links_inside(backend, value_hash)}
        for each, link in links.items():
            if not is_file_set(link):
                if link.path is not None:
                    self.states[link.path] = each
                continue
            self.sets += 1
            if link.path is not None and link.path not in self.directories:
                self.directories.append(link.path)


def _task_reasons(backend: Backend, call: CallRecord, good: Nearest) -> list[Reason]:
    """Tasks below the call that were edited since: what counts where only a final result may be used."""
    if good.call.task_set_hash == call.task_set_hash:
        return []
    sets = backend.load_task_sets([good.call.task_set_hash, call.task_set_hash])
    old, new = sets.get(good.call.task_set_hash, frozenset()), sets.get(call.task_set_hash, frozenset())
    gone = {_full_name(backend, each): each for each in sorted(old - new)[:20]}
    reasons = []
    for task_hash in sorted(new - old)[:20]:
        name = _full_name(backend, task_hash)
        if name in gone:
            code = code_change(backend, gone[name], task_hash)
            assert code is not None
            text = f"the task {name}, which is called below, was edited since {named(good.job)}"
            reasons.append(Reason(ReasonKind.CODE_BELOW, text, code.lines or (code.note,), code=code))
    return reasons


def _full_name(backend: Backend, task_hash: bytes) -> str:
    task = backend.task(task_hash)
    return task_hash.hex() if task is None else f"{task.namespace}.{task.name}" if task.namespace else task.name


def context_reason(backend: Backend, before: CallRecord, after: CallRecord) -> Reason:
    """That two calls had different contexts."""
    change = value_change(backend, "context", before.context_hash or None, after.context_hash or None)
    text = f"the context was {change.before} and is {change.after}"
    return Reason(ReasonKind.CONTEXT, text, change.details, change)


def _option_reasons(backend: Backend, job: JobRow, other: JobRow) -> list[Reason]:
    now = backend.options_hashes(job.execution_id, [job.number]).get(job.number)
    then = backend.options_hashes(other.execution_id, [other.number]).get(other.number)
    if now == then:
        return []
    old, new = options_behind(then, other.executor), options_behind(now, job.executor)
    if old is not None and new is not None:
        text = f"its options were {old or 'none'} and are {new or 'none'}"
    else:
        text = f"its options are not those of {named(other)}; repositories keep only a hash of options"
    return [Reason(ReasonKind.OPTIONS, text)]
