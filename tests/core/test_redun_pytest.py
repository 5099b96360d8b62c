"""The fixture for testing workflows knows what ran."""

from __future__ import annotations

from pathlib import Path

import pytest
from redun import task
from redun.pytest import WorkflowScheduler
from redun.pytest import scheduler as scheduler

redun_namespace = "test_redun_pytest"

pytest_plugins = ["pytester"]


@task
def measure(word: str, unit: int = 1) -> int:
    return len(word) * unit


@task
def total(words: list[str]) -> list[int]:
    return [measure(word) for word in words]


@task
def broken() -> None:
    raise ValueError("broken")


def test_what_ran_is_told_with_its_arguments(scheduler: WorkflowScheduler) -> None:
    assert scheduler.run(total(["to", "be", "to"])) == [2, 2, 2]
    assert scheduler.ran(measure) == [{"word": "to", "unit": 1}, {"word": "be", "unit": 1}]
    assert scheduler.ran("test_redun_pytest.total") == [{"words": ["to", "be", "to"]}]
    assert len(scheduler.ran()) == 3
    assert scheduler.failed() == []


def test_only_the_latest_run_is_told(scheduler: WorkflowScheduler) -> None:
    scheduler.run(total(["to"]))
    scheduler.run(total(["to", "not"]))
    assert scheduler.ran(measure) == [{"word": "not", "unit": 1}]
    assert scheduler.cached(measure) == [{"word": "to", "unit": 1}]


def test_every_test_begins_with_nothing_cached(scheduler: WorkflowScheduler) -> None:
    scheduler.run(measure("to"))
    assert scheduler.ran(measure)
    assert WorkflowScheduler().run(measure("to")) == 2


def test_what_failed_is_told(scheduler: WorkflowScheduler) -> None:
    with pytest.raises(ValueError, match="broken"):
        scheduler.run(broken())
    assert scheduler.failed(broken) == [{}]


def test_a_name_that_no_task_has_is_an_error_rather_than_no_call(scheduler: WorkflowScheduler) -> None:
    with pytest.raises(KeyError, match="no task 'mesure' is defined"):
        scheduler.ran("mesure")


def test_the_fixture_comes_with_the_plugin_module_as_well(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["redun.pytest"]')
    pytester.makepyfile(
        """
        from redun import task

        redun_namespace = "of_pytester"

        @task
        def one():
            return 1

        def test_one(scheduler):
            assert scheduler.run(one()) == 1
            assert scheduler.ran(one) == [{}]
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=60).assert_outcomes(passed=1)
    assert Path(pytester.path, "conftest.py").exists()
