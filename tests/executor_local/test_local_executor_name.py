"""The local executor under the names that workflows import it by."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest
import redun
from redun import Scheduler
from redun.backends.memory import MemoryBackend
from redun.config import Config, ConfigError
from redun.executors.local import LocalExecutor
from redun_executor_local.executor import LocalExecutor as OwnClass


@pytest.fixture
def process_id(monkeypatch):
    """A task that tells the process that it runs in."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return import_module("local_executor_tasks").process_id


def test_both_names_make_the_executor_of_the_plugin():
    for cls in (LocalExecutor, redun.LocalExecutor):
        made = cls("small", mode="process", max_workers=3)
        assert type(made) is OwnClass
        assert (made.name, made.mode, made.max_workers) == ("small", "process", 3)
        assert isinstance(made, cls)


def test_a_section_of_the_configuration_is_taken_as_it_is():
    config = Config({"executors.other": {"type": "local", "max_workers": "5", "mode": "process"}})
    scheduler = Scheduler(config=config, backend=MemoryBackend())
    made = LocalExecutor("other", scheduler, config["executors"]["other"])
    assert (made.max_workers, made.mode) == (5, "process")
    with pytest.raises(
        ConfigError, match='"small" of type "local": there is no option max_worker; did you mean max_workers'
    ):
        LocalExecutor("small", max_worker=3)


@pytest.mark.parametrize(("mode", "is_same"), [("thread", True), ("process", False)])
def test_a_workflow_adds_it_to_its_scheduler(process_id, mode, is_same):
    scheduler = Scheduler(backend=MemoryBackend())
    scheduler.add_executor(redun.LocalExecutor("mine", scheduler=scheduler, mode=mode, max_workers=1))
    found = scheduler.run(process_id.options(executor="mine")())
    assert (found == os.getpid()) is is_same


def test_it_may_be_the_one_executor_of_a_scheduler(process_id):
    scheduler = Scheduler(backend=MemoryBackend(), executor=LocalExecutor("default", mode="thread"))
    assert scheduler.run(process_id()) == os.getpid()
