"""Why a call ran although the same call had been made before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.provenance.changes import code_change, value_change
from redun.provenance.options_known import options_behind, switches_cache_off
from redun.provenance.preview import preview
from redun.provenance.reasons import Reason, ReasonKind

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import CallRecord, JobRow
    from redun.provenance.nearest import Nearest

_PREVIEW = 200


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
    if reasons:
        return reasons
    text = (
        f"{named(good.job)} made the same call, and the stored facts do not say why its result was not used: "
        "options may keep it from the cache, a value in the result may have said that it no longer holds, "
        "or the run was started from Python without the cache"
    )
    return [Reason(ReasonKind.UNKNOWN, text)]


def _switched_off(backend: Backend, job: JobRow) -> Reason | None:
    execution = backend.execution(job.execution_id)
    if execution is not None and "--no-cache" in execution.args:
        return Reason(ReasonKind.NO_CACHE_RUN, "the execution was started with --no-cache")
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
        text = f"the result of {named(good.job)} is missing from the repository, or damaged"
        return [Reason(ReasonKind.RESULT_LOST, text)]
    old = _files(backend, before)
    if call.is_error:
        new: dict[str, bytes] = {}
    else:
        new = {**_files(backend, call.value_hash), **_files(backend, call.raw_hash or call.value_hash)}
    lines = []
    for path, state in old.items():
        now = new.get(path)
        if now is None:
            lines.append(f"{path}: was in state {state.hex()[:8]}")
        elif now != state:
            lines.append(f"{path}: was in state {state.hex()[:8]}, and is {now.hex()[:8]} after the job")
    changed = [path for path, state in old.items() if path in new and new[path] != state]
    if not lines or (new and not changed):
        return []
    said = "was no longer there as it was recorded" if changed else "may no longer have been there as recorded"
    files = ", ".join((changed or list(old))[:3])
    text = f"the result of {named(good.job)} holds {files}, which {said}: changed or gone"
    return [Reason(ReasonKind.RESULT_CHANGED, text, tuple(lines))]


def _files(backend: Backend, value_hash: bytes) -> dict[str, bytes]:
    """The states of the files in a value, by path."""
    links = backend.value_links([value_hash])
    link = links.get(value_hash)
    if link is None:
        return {}
    found = {} if link.path is None else {link.path: value_hash}
    inside = backend.value_links(link.children)
    found.update((path, each) for each in link.children if each in inside and (path := inside[each].path) is not None)
    return found


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


def named(job: JobRow) -> str:
    """A job for people: its id and the name of its task."""
    return f"{job.execution_id[:8]}.{job.number} {job.task_name}"
