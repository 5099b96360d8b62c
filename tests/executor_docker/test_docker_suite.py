"""The docker executor keeps the rules of the executor interface, on a stand-in for the command docker."""

from __future__ import annotations

import pytest
from redun.testing import ExecutorSuite
from redun_executor_docker.executor import DockerExecutor


class TestContainers(ExecutorSuite):
    shares_environment = False  # containers have what they are given
    many_calls = 40

    @pytest.fixture
    def executor(self, stand_in, tmp_path):
        self.stand_in = stand_in
        # Pipes of tests and their modules are where they are for the stand-in, as they would be with volumes.
        return DockerExecutor(
            "containers",
            "image",
            "remote",
            command=stand_in.command,
            max_workers=4,
            job_monitor_interval=0.5,
            code_package=False,
        )

    def break_executor(self, executor):
        self.stand_in.take_down()
