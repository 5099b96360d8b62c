"""The docker executor keeps the rules of the executor interface, on a stand-in for the command docker."""

from __future__ import annotations

import logging

import pytest
from redun.executors.base import ExecutorContext
from redun.testing import ExecutorSuite, tasks
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import make_call
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


def test_an_executor_of_another_package_may_hand_its_calls_on(stand_in, tmp_path):
    """As that of a batch service does, to debug on this machine what it would run elsewhere."""
    executor = DockerExecutor(
        "debug", "image", str(tmp_path / "scratch"), command=stand_in.command, max_workers=1, code_package=False
    )
    sink = RecordingSink(60)
    executor.start(ExecutorContext(tmp_path, "x", "project", tmp_path / "s", logging.getLogger("redun")), sink)
    try:
        executor.submit(
            [make_call(1, tasks.add, 1, options={"queue": "main", "image": "other", "memory": 1, "retries": 3})]
        )
        assert sink.wait([1])[0].value == 2
    finally:
        executor.stop()
    line = stand_in.calls_of("run")[0]
    assert "other" in line
    assert "--memory=1024m" in line
