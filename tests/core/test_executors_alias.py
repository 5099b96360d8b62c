"""The alias executor and the settings of the executors that come with core."""

import logging

import pydantic
import pytest
from redun.errors import ExecutorError
from redun.executors.alias import AliasExecutor
from redun.executors.base import ExecutorContext
from redun.executors.inline import InlineExecutor
from redun.executors.settings import AliasSettings, InlineSettings
from redun.testing import tasks
from redun.testing.recording_sink import RecordingSink
from redun.testing.task_calls import make_call


@pytest.fixture
def context(tmp_path):
    return ExecutorContext(tmp_path, "execution", "project", tmp_path, logging.getLogger("redun"))


@pytest.mark.parametrize("target", ["process", InlineExecutor("other")], ids=["name", "executor"])
def test_an_alias_carries_its_target(target):
    assert AliasExecutor("gpu", target=target).target is target


@pytest.mark.parametrize("target", [None, "", 5, "gpu"])
def test_a_target_that_is_no_other_executor_is_refused(target):
    with pytest.raises(ExecutorError, match="alias of"):
        AliasExecutor("gpu", target=target)


def test_starting_an_alias_does_nothing_to_its_target(context):
    target = InlineExecutor("other")
    alias = AliasExecutor("gpu", target=target)
    alias.start(context, RecordingSink())
    with pytest.raises(ExecutorError, match="before it was started"):
        target.submit([])
    alias.stop()


def test_calls_that_reach_an_alias_fail(context):
    sink = RecordingSink()
    alias = AliasExecutor("gpu", target="process")
    alias.start(context, sink)
    alias.submit([make_call(1, tasks.add, 1)])
    assert "'gpu' is an alias of 'process'" in str(sink.wait([1])[0].error)


def test_settings_need_a_target_and_know_no_other_option():
    assert AliasSettings(target="process").target == "process"
    for wrong in ({}, {"target": ""}, {"target": "a", "mode": "b"}):
        with pytest.raises(pydantic.ValidationError):
            AliasSettings(**wrong)
    with pytest.raises(pydantic.ValidationError):
        InlineSettings(max_workers=3)
