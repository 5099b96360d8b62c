"""What a backend is asked about the past of a call: the part of `Backend` that explanations and derivations need.

Backends that were written before a question was asked raise `BackendError`, or leave out what they cannot tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.records import CallRecord, JobRow


class ValueLinks(NamedTuple):
    """How a value is linked with others."""

    type_name: str
    path: str | None
    """Of a file or directory: where it is."""
    children: tuple[bytes, ...]
    """Hashes of the files, tasks and handles inside."""


class Lineage:
    """The part of a backend that knows what came before a call, and what a value holds."""

    def calls_of_evaluation(self, eval_hash: bytes, limit: int = 20) -> list[CallRecord]:  # noqa: ARG002 - for who supports it
        """The completed calls of an evaluation, failed ones as well and under any context, newest first."""
        self._refuse("the calls of an evaluation")

    def jobs_of_call_before(self, call_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:  # noqa: ARG002
        """The jobs that made a call before a job did, newest first.

        Before it are the jobs of earlier executions, and those of lower numbers in its own.
        """
        self._refuse("the jobs before another")

    def jobs_of_task_before(self, task_hash: bytes, execution_id: str, number: int, limit: int = 20) -> list[JobRow]:  # noqa: ARG002
        """The jobs of one version of a task before a job, newest first."""
        self._refuse("the jobs before another")

    def value_links(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueLinks]:  # noqa: ARG002
        """Where files are and what values hold, by hash. Values of which neither can be said may be left out.

        A backend without this leaves out all of them: derivations end at values that are inside of others.
        """
        return {}

    def options_hashes(self, execution_id: str, numbers: Sequence[int]) -> dict[int, bytes]:  # noqa: ARG002
        """The hashes of the options of some jobs, by number; jobs that had none, or are unknown, are left out."""
        self._refuse("the options of a job")

    def _refuse(self, what: str) -> NoReturn:
        raise BackendError(f"{type(self).__name__} does not support this question: {what}")
