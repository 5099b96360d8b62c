"""Built-in tasks that are given what they cannot use say so, in the words of whoever called them."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from redun import Handle, Scheduler, cond, merge_handles, task
from redun.errors import SchedulerError
from redun.functools import flatten, identity
from redun.scheduler import catch, subrun
from redun.task import scheduler_task

redun_namespace = "builtin_misuse"


class Connection(Handle):
    def __init__(self, name: str) -> None:
        pass


@task
def inc(x: int) -> int:
    return x + 1


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: cond.options(executor="process", memroy=3), r"^cond\(\) makes no job .*: 'executor', 'memroy'\. Give"),
        (lambda: catch.options(max_retries=3), r"^catch\(\) makes no job of its own, .*do nothing: 'max_retries'\."),
        (lambda: cond.update_context(a=1), r"^cond\(\) .*do nothing: the context\."),
        (lambda: merge_handles.export_options(cache=False), r"^merge_handles\(\) .*do nothing: 'cache'\."),
    ],
)
def test_options_that_do_nothing_are_warned_about_once(
    made: Any, told: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redun.scheduler_tasks._warned", set())
    with caplog.at_level(logging.WARNING, "redun"):
        made()
        made()
    assert len(caplog.records) == 1
    message = caplog.records[0].getMessage()
    assert re.search(told, message), message


def test_options_that_count_are_taken_without_a_word(scheduler: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    own = scheduler_task(name="own", namespace="builtin_misuse")(
        lambda scheduler, parent_job, sexpr: scheduler.evaluate(1, parent_job=parent_job)
    )
    with caplog.at_level(logging.WARNING, "redun"):
        first, second = cond.options(nout=2)(True, [1, 2])
        assert scheduler.run([first, second]) == [1, 2]
        assert scheduler.run(subrun.options(max_retries=1)(inc(1), executor="default", load_modules=[])) == 2
        assert scheduler.run(own.options(colour="red")()) == 1
    assert caplog.records == []


@pytest.mark.parametrize(
    ("called", "message"),
    [
        (lambda: flatten([1]), r"^flatten\(\) takes a list of lists, not one with 1 in it$"),
        (lambda: flatten(identity(5)), r"^flatten\(\) takes a list of lists, not 5$"),
    ],
)
def test_flatten_says_what_it_takes(scheduler: Scheduler, called: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        scheduler.run(called())


@pytest.mark.parametrize("given", [lambda: Connection("c"), lambda: 5])
def test_merge_handles_says_that_it_takes_a_list(scheduler: Scheduler, given: Any) -> None:
    with pytest.raises(SchedulerError, match=r"^merge_handles\(\) takes a list of handles, such as \[handle\], not "):
        scheduler.run(merge_handles(given()))
