"""Calls in worker processes on the same machine."""

from __future__ import annotations

import atexit
import multiprocessing
from typing import TYPE_CHECKING

from redun_executor_local.supervisor import Supervisor
from redun_executor_local.worker_process import spare_command_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.executors.base import JobSink, TaskCall

PRELOADED = ["__main__", "redun_executor_local.worker", "redun.task"]
"""What a fork server imports once for all workers: what `multiprocessing` would anyway, and what every worker needs.

It has no effect on a fork server that runs already. No module of a workflow: a fork server outlives a run, and would go
on with code that has been edited.
"""


class ProcessPool:
    """Worker processes that each run one call at a time.

    `concurrent.futures` fails every call of a pool when one of its processes dies. Here each worker has a connection
    of its own, and its death costs the call that it ran.
    """

    def __init__(self, name: str, max_workers: int, start_method: str, sink: JobSink) -> None:
        spare_command_line()
        context = multiprocessing.get_context(start_method)
        if start_method == "forkserver":
            context.set_forkserver_preload(PRELOADED)
        self._supervisor = Supervisor(name, max_workers, context, sink)
        self._supervisor.start()
        # `multiprocessing` waits for all children when the program ends; without this, for ever, if nobody calls
        # `stop`.
        atexit.register(self.stop)

    def submit(self, calls: Sequence[TaskCall]) -> None:
        """Queue these calls."""
        self._supervisor.order_calls(calls)

    def cancel(self, job_ids: frozenset[int]) -> None:
        """Drop or terminate these calls."""
        self._supervisor.order_cancel(job_ids)

    def stop(self) -> None:
        """Terminate what runs and end all workers. Returns when no process is left."""
        atexit.unregister(self.stop)
        self._supervisor.order_stop()
        self._supervisor.join()
        self._supervisor.close()
