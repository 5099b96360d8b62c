"""Options of tasks that would be taken for something else are refused where they are written."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, task
from redun.errors import SchedulerError
from redun.functools import identity
from redun.task import scheduler_task, wraps_task

redun_namespace = "option_checks"


def double(x: int) -> int:
    return 2 * x


@pytest.mark.parametrize("name", ["cache", "prov", "hash_helpers", "script", "use_wrapper_signature"])
@pytest.mark.parametrize("value", ["no", "", "False", 2, 0.0, []])
def test_what_is_no_boolean_is_refused_for_a_boolean_option(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=rf"task 'option_checks\.double': {name} must be True or False, not "):
        task(**{name: value})(double)
    if name != "script":
        with pytest.raises(TypeError, match=rf"{name} must be True or False"):
            task(double).options(**{name: value})
        with pytest.raises(TypeError, match=rf"{name} must be True or False"):
            task(double).export_options(**{name: value})
        with pytest.raises(TypeError, match=rf"{name} must be True or False"):
            task(export_options={name: value})(double)


@pytest.mark.parametrize("value", [True, False, None, 0, 1])
def test_booleans_and_what_is_equal_to_them_are_taken(scheduler: Scheduler, value: Any) -> None:
    assert scheduler.run(task(cache=value, prov=value, hash_helpers=value)(double).options(cache=value)(2)) == 4


def test_a_boolean_option_may_be_an_expression(scheduler: Scheduler) -> None:
    assert scheduler.run(task(cache=identity(False))(double).options(prov=identity(True))(2)) == 4
    with pytest.raises(SchedulerError, match=r"^task 'option_checks\.double': cache must be True or False, not 'no'$"):
        scheduler.run(task(cache=identity("no"))(double)(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config_args": "x"}, r"config_args must be a list of texts, such as \['x'\], not 'x'"),
        ({"config_args": [1]}, "config_args must be a list of texts, not"),
        ({"config_args": 5}, "config_args must be a list of texts"),
        ({"compat": "abc"}, r"compat must be a list of texts, such as \['abc'\], not 'abc'"),
        ({"compat": [b"abc"]}, "compat must be a list of texts"),
        ({"export_options": 5}, "export_options must be a dict of options by name, not 5"),
    ],
)
def test_what_would_be_taken_letter_by_letter_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=rf"^task '(option_checks\.)?double': {message}"):
        task(**options)(double)


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^task '5\.double': the namespace must be a text, not 5$"):
        task(namespace=5)(double)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"^task 'option_checks\.7': the name must be a text, not 7$"):
        task(name=7)(double)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"^scheduler task '5\.double': the namespace must be a text, not 5$"):
        scheduler_task(namespace=5)(double)  # type: ignore[arg-type]


def test_a_wrapper_names_its_wrong_options() -> None:
    with pytest.raises(TypeError, match=r"^wraps_task\(\): export_options must be a dict"):
        wraps_task(export_options=5)  # type: ignore[arg-type]


def test_letters_beyond_ascii_are_said_to_be_the_matter() -> None:
    with pytest.raises(ValueError, match="must be ASCII letters, digits and underscores"):
        task(name="unicode_é")(double)


def test_the_advice_for_an_async_task_is_all_that_is_needed() -> None:
    async def later() -> None: ...

    with pytest.raises(ValueError, match=r"declare cache=False, or check_valid='shallow'$"):
        task(later)
    assert task(check_valid="shallow")(later).is_async()
