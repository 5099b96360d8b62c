"""Options that tasks give to executors are checked with the model that the executor declares."""

from __future__ import annotations

import sys
import types

import pytest
from pydantic import Field
from redun import Scheduler, task
from redun.config.settings import Settings
from redun.errors import SchedulerError
from redun.executors import BlockingExecutor, Capabilities, Returned, run_call

redun_namespace = "executor_options"


class Options(Settings):
    memory: int = Field(1, ge=1)
    image: str = "plain"


class Picky(BlockingExecutor):
    capabilities = Capabilities(in_process=True, abandons_running=True)
    task_options = "executor_options_model:Options"

    def run(self, call, cancellation):
        return Returned((call.options.get("memory"), run_call(call)))


@task(executor="picky")
def plain(number=0):
    return "done"


@pytest.fixture
def scheduler(monkeypatch):
    module = types.ModuleType("executor_options_model")
    module.Options = Options
    monkeypatch.setitem(sys.modules, module.__name__, module)
    scheduler = Scheduler()
    scheduler.add_executor(Picky("picky"))
    return scheduler


def test_options_that_suit_reach_the_executor(scheduler):
    assert scheduler.run(plain.options(memory=4, image="big")()) == (4, "done")


def test_a_value_that_does_not_suit_is_an_error_with_the_task_the_option_and_the_executor(scheduler):
    with pytest.raises(
        SchedulerError, match=r"task 'executor_options.plain': the option memory = 0 .* executor 'picky'"
    ):
        scheduler.run(plain.options(memory=0)())


def test_an_unknown_option_is_left_alone_and_a_near_miss_is_warned_about_once(scheduler, caplog):
    assert (
        scheduler.run([plain.options(imagee="x", colour="red")(number) for number in range(3)]) == [(None, "done")] * 3
    )
    near = [line for line in caplog.messages if "the executor 'picky' has no option 'imagee'" in line]
    assert len(near) == 1
    assert "Did you mean 'image'?" in near[0]
    assert "colour" not in caplog.text


def test_without_options_of_executors_no_model_is_imported(scheduler, monkeypatch):
    monkeypatch.setitem(sys.modules, "executor_options_model", None)
    assert scheduler.run(plain.options(check_valid="shallow")()) == (None, "done")


def test_a_model_that_cannot_be_imported_fails_the_call_with_its_name(scheduler, monkeypatch):
    monkeypatch.setitem(sys.modules, "executor_options_model", None)
    with pytest.raises(SchedulerError, match="executor_options_model"):
        scheduler.run(plain.options(memory=4)())


def test_an_executor_without_a_model_takes_what_it_is_given(scheduler):
    executor = Picky("picky")
    executor.task_options = None
    scheduler.add_executor(executor)
    assert scheduler.run(plain.options(memory="much")()) == ("much", "done")
