"""What can go wrong with a job elsewhere."""

from __future__ import annotations

from redun.errors import ExecutorError, JobTimeoutError


class RemoteJobError(ExecutorError):
    """A job elsewhere ended without a result of its task, or could not be submitted.

    log: the last lines that it wrote, where the executor could get them.
    """

    log: tuple[str, ...] = ()


class RemoteJobTimeoutError(RemoteJobError, JobTimeoutError):
    """A job ran longer than the service elsewhere was told to let it."""


class JobLostError(RemoteJobError):
    """The service elsewhere knows nothing of a job that it had accepted."""


class OutputLostError(RemoteJobError):
    """A job has succeeded, as the service says, but its output is not where it should be."""


class ScratchError(ExecutorError):
    """A file of the scratch folder cannot be read, written or understood."""


class WorkerVersionError(ScratchError):
    """The redun that runs the job and the one that submitted it do not understand each other."""
