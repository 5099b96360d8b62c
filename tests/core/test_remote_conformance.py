"""Executors of jobs elsewhere keep the rules that all executors keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redun.testing import ExecutorSuite
from redun.testing.remote_cluster import ClusterExecutor, LocalCluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redun.executors.base import Executor


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(slots=4) as cluster:
        yield cluster


class TestSingleJobs(ExecutorSuite):
    """Every call in a job of its own."""

    many_calls = 40

    @pytest.fixture
    def executor(self, cluster: LocalCluster, tmp_path: Path) -> Executor:
        return ClusterExecutor(
            "cluster",
            str(tmp_path / "remote"),
            socket=cluster.socket,
            job_monitor_interval=0.05,
            min_array_size=0,
            code_package=False,
        )

    def break_executor(self, executor: Executor) -> None:
        """Take the cluster away from it."""
        assert isinstance(executor, ClusterExecutor)
        executor._socket = "/nowhere"
