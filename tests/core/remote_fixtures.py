"""What the tests of jobs elsewhere share: a cluster, executors for it, and calls to run there."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redun.executors.base import ExecutorContext
from redun.testing import RecordingSink, call_target
from redun.testing.remote_cluster import ClusterExecutor, LocalCluster
from redun.testing.task_calls import make_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redun.executors.base import TaskCall
    from redun.task import Task

    Start = Callable[..., tuple[ClusterExecutor, RecordingSink]]

_HERE = str(Path(__file__).parent)


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    """A cluster of this test's own, so that requests can be counted."""
    with LocalCluster(slots=4) as cluster:
        yield cluster


@pytest.fixture
def start(cluster: LocalCluster, tmp_path: Path) -> Iterator[Start]:
    """Starts an executor for the cluster, with these options beside quick ones; stops it after the test."""
    running: list[tuple[ClusterExecutor, RecordingSink]] = []

    def start(**options: Any) -> tuple[ClusterExecutor, RecordingSink]:
        executor = make_executor(cluster, tmp_path, **options)
        sink = RecordingSink()
        context = ExecutorContext(tmp_path, "an-execution", "a-project", tmp_path, logging.getLogger("redun.testing"))
        executor.start(context, sink)
        running.append((executor, sink))
        return executor, sink

    yield start
    for executor, sink in running:
        executor.stop()
        sink.close()
        sink.check()


def make_executor(cluster: LocalCluster, folder: Path, **options: Any) -> ClusterExecutor:
    """An executor that is quick to look and to submit."""
    quick = {"job_monitor_interval": 0.05, "job_stale_time": 0.0, "min_array_size": 0, "code_package": False}
    return ClusterExecutor("cluster", str(folder / "remote"), socket=cluster.socket, **{**quick, **options})


@contextmanager
def held(cluster: LocalCluster) -> Iterator[None]:
    """Inside, jobs are accepted and do not begin."""
    cluster.fault(hold=True)
    yield
    cluster.fault(hold=False)


def remote_call(job_id: int, task: Task[..., Any], *args: Any, options: Any = None) -> TaskCall:
    """A call of a task of `remote_tasks`, which workers find in this folder."""
    return call_target(job_id, make_target(task, "remote_tasks", (_HERE,)), *args, options=options)
