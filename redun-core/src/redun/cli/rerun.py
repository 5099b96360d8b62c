"""`redun run --rerun`: the arguments that a job was given, to run its task with them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from redun.errors import InvalidValueError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.backends.base import Backend
    from redun.cli.app import App
    from redun.provenance.models import Job
    from redun.provenance.values import Value
    from redun.task import Task


class RecordedCall(NamedTuple):
    """What a job was given."""

    job_id: str
    task_name: str
    arguments: dict[str, Any]
    """By parameter. Those of `*args` are a tuple, those of `**kwargs` a dictionary."""
    context: dict[str, Any]

    def with_arguments(
        self, task: Task[..., Any], given: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The arguments for the task, with those that are given now in the place of the recorded ones.

        Raises UsageError where the task, as it is now, takes others.
        """
        parameters = task.signature.parameters
        unknown = [name for name in self.arguments if name not in parameters]
        if unknown:
            raise UsageError(
                f"{task.fullname} no longer has the parameter {unknown[0]!r}, which job {self.job_id} was given"
            )
        merged = {**self.arguments, **given}
        bound = task.signature.bind_partial()
        bound.arguments.update({name: merged[name] for name in parameters if name in merged})
        try:
            # A parameter that the task has got since, and that has no default.
            task.signature.bind(*bound.args, **bound.kwargs)
        except TypeError as error:
            raise UsageError(f"{task.fullname} with the arguments of job {self.job_id}: {error}") from None
        return bound.args, bound.kwargs


def read_recorded_call(app: App, text: str) -> RecordedCall:
    """What the job was given that a text names; for an execution, its root job.

    The values are loaded, so that the workflow has to be imported before.

    Raises UsageError for a text that names no job, for a job whose call is not recorded, and for a value that cannot be
    loaded.
    """
    backend = app.open_backend()
    try:
        job = _find_job(backend, text)
        call = job.call
        if call is None:
            raise UsageError(
                f"--rerun {text}: job {job.id} is {job.status}, and the arguments of a job are recorded with its result"
            )
        arguments = {
            name: _loaded(job, f"the argument {name!r}", argument) for name, argument in call.arguments.items()
        }
        context = {} if call.context is None else _loaded(job, "the context", call.context)
        return RecordedCall(job.id, job.task_name, arguments, context)
    finally:
        backend.close()


def _find_job(backend: Backend, text: str) -> Job:
    from redun.provenance import Execution, Job, Repository

    found = Repository(backend).find(text)
    job = found.root if isinstance(found, Execution) else found
    if job is None:
        raise UsageError(f"--rerun {text}: the execution ended before its first job was recorded")
    if not isinstance(job, Job):
        raise UsageError(
            f"--rerun needs a job or an execution in the place of TASK, and {text!r} names neither: "
            "`-` is the latest execution, 3f9a2c1b.17 a job"
        )
    return job


def _loaded(job: Job, what: str, value: Value) -> Any:
    try:
        return value.load()
    except InvalidValueError as error:
        raise UsageError(f"job {job.id} cannot be run again, for {what} cannot be loaded: {error}") from None
