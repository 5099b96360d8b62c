"""Arguments of tasks on the command line."""

# ruff: noqa: UP006, UP007, UP035, UP045 - the old spellings are what is tested

from __future__ import annotations

import datetime
import enum
import inspect
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, List, Literal, NewType, Optional, TypedDict, Union

import pytest
from redun.cli.annotations import as_python_passes_them
from redun.cli.run_options import long_options
from redun.cli.task_command import TaskCommand
from redun.errors import UsageError
from redun.job_info import JobInfo
from redun.task import Task

if TYPE_CHECKING:
    from nowhere import Unknown

UserId = NewType("UserId", int)


class Colour(enum.Enum):
    red = 1


def command(function: Any) -> TaskCommand:
    return TaskCommand(Task(function, namespace="acme"), long_options(), f"redun run wf.py {function.__name__}")


def arguments(function: Any, *words: str) -> dict[str, Any]:
    return command(function).read(words).arguments


def read_as(annotation: Any, *texts: str) -> Any:
    def one(x): ...

    one.__annotations__ = {"x": annotation}
    return arguments(one, "--x", *texts)["x"]


@pytest.mark.parametrize(
    ("annotation", "texts", "value"),
    [
        (str, ["1"], "1"),
        (Any, ["1"], "1"),
        (int, ["-1"], -1),
        (float, ["-.5"], -0.5),
        (bool, ["False"], False),
        (Path, ["a/b"], Path("a/b")),
        (Colour, ["red"], Colour.red),
        (UserId, ["7"], 7),
        (Annotated[int, "some"], ["7"], 7),
        (Optional[int], ["7"], 7),
        (Union[None, int], ["7"], 7),
        (int | str, ["seven"], "seven"),
        (Literal[1, "one"], ["1"], 1),
        (list[int], ["1", "-2"], [1, -2]),
        (List[float], ["1", "-.5"], [1.0, -0.5]),
        (list, ["1", "a"], ["1", "a"]),
        (Optional[list[int]], ["1"], [1]),
        (Sequence[int], ["1", "2"], [1, 2]),
        (tuple[int, ...], ["1", "2"], (1, 2)),
        (set[int], ["1", "1"], {1}),
        (tuple[int, str], ["1", "2"], (1, "2")),
        (list[Colour], ["red", "red"], [Colour.red, Colour.red]),
        ("int", ["3"], 3),
        ("list[int] | None", ["3"], [3]),
        (Callable[[int], int], ["math.sqrt"], __import__("math").sqrt),
    ],
)
def test_texts_are_read_by_the_annotation(annotation, texts, value):
    read = read_as(annotation, *texts)
    assert read == value
    assert type(read) is type(value)


def test_one_annotation_that_cannot_be_resolved_leaves_the_others_as_they_are():
    def f(a: Unknown, b: int): ...

    assert arguments(f, "--a", "1", "--b", "2") == {"a": "1", "b": 2}


def test_the_flag_is_kebab_case_in_lower_case():
    def f(my_Arg): ...

    assert arguments(f, "--my-arg", "1") == {"my_Arg": "1"}


def test_only_python_can_fill_job_info_and_variadic_parameters():
    def f(x=1, *args, info=JobInfo(), **kwargs): ...

    assert [one.name for one in command(f).arguments] == ["x"]


def test_what_cannot_be_given_is_said_where_it_is_looked_for():
    def f(x=1, *files, **options): ...

    text = " ".join(command(f).help_text().split())
    assert "*files and **options cannot be given on the command line" in text
    with pytest.raises(UsageError, match=r"\*files and \*\*options cannot be given"):
        command(f).read(["--y", "1"])


def test_positional_only_parameters_are_passed_by_position():
    def f(a, b=2, c=3, /, d=4): ...

    signature = inspect.signature(f)
    assert as_python_passes_them(signature, {"a": 1}) == ((1,), {})
    assert as_python_passes_them(signature, {"a": 1, "c": 5, "d": 6}) == ((1, 2, 5), {"d": 6})
    assert as_python_passes_them(signature, {"c": 5}, skip=1) == ((2, 5), {})


class Point(TypedDict):
    x: int


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (dict, '{"a": [1, null]}', {"a": [1, None]}),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (dict[int, list[float]], '{"3": [1, 2.5]}', {3: [1.0, 2.5]}),
        (dict[str, Path], '{"a": "b/c"}', {"a": Path("b/c")}),
        (dict[str, int | None], '{"a": null}', {"a": None}),
        (dict[str, tuple[int, str]], '{"a": [1, "b"]}', {"a": (1, "b")}),
        (Mapping[str, Any], '{"a": "b"}', {"a": "b"}),
        (Optional[dict[str, bool]], '{"a": true}', {"a": True}),
        (Point, '{"x": 1}', {"x": 1}),
        (list[dict[str, int]], '{"a": 1}', [{"a": 1}]),
        (list[list[int]], "[1, 2]", [[1, 2]]),
        (dict | str, "other", "other"),
    ],
)
def test_dictionaries_and_nested_lists_are_given_as_json(annotation, text, value):
    assert read_as(annotation, text) == value


@pytest.mark.parametrize(
    ("annotation", "text", "message"),
    [
        (dict, "a=1", """'a=1' is not JSON such as '{"key": 1}'"""),
        (dict, "[1]", "[1] should be an object"),
        (dict[str, int], '{"a": "b"}', '"b" should be of type int'),
        (dict[str, int], '{"a": true}', "true should be of type int"),
        (dict[int, int], '{"a": 1}', "'a' inside of the JSON"),
        (list[list[int]], "1, 2", "is not JSON such as [1, 2]"),
        (dict[str, tuple[int, int]], '{"a": [1]}', "[1] should be an array of 2"),
    ],
)
def test_json_that_does_not_fit_gives_a_message_with_the_argument(annotation, text, message):
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        read_as(annotation, text)
    assert str(caught.value).startswith("acme.one --x: ")


def test_values_may_follow_an_equals_sign_and_look_like_options():
    def f(a: str, many: list[str]): ...

    assert arguments(f, "--a=--b", "--many=-x", "--many", "y", "z") == {"a": "--b", "many": ["-x", "y", "z"]}
    assert arguments(f, "--a", "-b", "--many", "-") == {"a": "-b", "many": ["-"]}


def test_the_later_of_two_values_wins():
    def f(a: int): ...

    assert arguments(f, "--a", "1", "--a", "2") == {"a": 2}


def test_long_run_options_are_handed_on_unless_the_task_has_such_a_parameter():
    def f(user="", x=1): ...

    read = command(f).read(["--user", "ada", "--project", "p", "--no-cache", "--tag=a=b", "--x", "2"])
    assert read.arguments == {"user": "ada", "x": "2"}
    assert read.run_words == ["--project", "p", "--no-cache", "--tag=a=b"]
    with pytest.raises(UsageError, match="go before the script"):
        command(f).read(["-p", "x"])


def test_run_options_are_known_unless_the_task_has_such_a_parameter():
    def f(context="", x=1): ...

    read = command(f).read(["--context", "a", "--no-prov", "--input=b"])
    assert read.arguments == {"context": "a"}
    assert read.run_words == ["--no-prov", "--input=b"]


def test_after_two_dashes_everything_is_the_tasks():
    def f(x=""): ...

    with pytest.raises(UsageError, match="no argument --project"):
        command(f).read(["--", "--project", "p"])
    assert arguments(f, "--", "--x", "1") == {"x": "1"}


def test_help_is_the_tasks_unless_it_has_a_parameter_of_that_name():
    def f(x): ...
    def g(help): ...  # noqa: A002

    assert command(f).read(["--x", "1", "--help"]).wants_help
    assert command(f).read(["--help"]).wants_help
    assert arguments(g, "--help", "me") == {"help": "me"}


def test_all_missing_arguments_are_named_at_once():
    def f(a, b, c=1): ...

    with pytest.raises(UsageError, match=r"needs --a and --b\. .* redun run wf\.py f help$"):
        command(f).check_complete({"c": 2})
    command(f).check_complete({"a": 1, "b": None})


def test_two_parameters_that_would_have_one_flag_are_refused():
    def f(lL=1, ll=2): ...

    with pytest.raises(UsageError, match=r"'lL' and 'll' are both --ll on the command line"):
        command(f)


def test_a_variadic_parameter_is_not_taken_for_an_option_of_redun_run():
    def f(*args, **tags): ...

    for flag in ("--args", "--tags"):
        with pytest.raises(UsageError, match=r"^acme\.f: \*args and \*\*tags cannot be given on the command line$"):
            command(f).read([flag, "1"])


@pytest.mark.parametrize(
    ("annotation", "text", "message"),
    [
        (datetime.date, "bla", "'bla' is not a date: give it like 2024-05-31"),
        (Decimal, "bla", "'bla' is not a decimal.Decimal"),
        (uuid.UUID, "bla", "'bla' is not a uuid.UUID: badly formed hexadecimal UUID string"),
        (datetime.timedelta, "1 hour", "'1 hour' is not a span of time: give it like 1h30m, 90 (seconds) or PT1H30M"),
        (bytes, "bla", "bytes cannot be given on the command line: let the task take a text or a File"),
    ],
)
def test_what_a_text_is_not_is_said_once(annotation, text, message):
    with pytest.raises(UsageError, match=f"^acme.one --x: {re.escape(message)}$"):
        read_as(annotation, text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400),
        ("90", 90),
        ("1.5", 1.5),
        ("-2d", -172800),
        ("1w 2d", 777600),
        ("10min5s", 605),
        ("PT1H30M", 5400),
        ("P1DT1S", 86401),
        ("p1w", 604800),
    ],
)
def test_a_span_of_time_is_given_in_units_in_seconds_or_by_iso_8601(text, seconds):
    assert read_as(datetime.timedelta, text) == datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "-", "P1M", "1m1h", "1x", "1,5"])
def test_another_text_is_no_span_of_time(text):
    with pytest.raises(UsageError, match="is not a span of time"):
        read_as(datetime.timedelta, text)


@dataclass
class Size:
    width: int
    unit: str = "m"
    file: Path | None = None


def test_a_dataclass_is_given_as_json_with_fields_of_their_types():
    assert read_as(Size, '{"width": 5, "file": "a/b"}') == Size(5, file=Path("a/b"))
    assert read_as(dict[str, Size], '{"k": {"width": 5}}') == {"k": Size(5)}
    for text, message in [
        ("5", "5 should be an object"),
        ("wide", r"'wide' is not JSON such as '{\"width\": ..., "),
        ('{"width": "5"}', '"5" should be of type int'),
        ('{"width": 5, "wdth": 6}', "Size has no field 'wdth', only file, unit, width"),
        ("{}", "Size cannot be made: .*width"),
    ]:
        with pytest.raises(UsageError, match=f"acme.one --x: {message}"):
            read_as(Size, text)


def test_errors_of_a_users_type_are_told_with_the_argument():
    class Even:
        def __init__(self, text: str) -> None:
            raise KeyError(f"odd {text}")

    with pytest.raises(UsageError, match=r"acme.one --x: '3' is not a .*Even: 'odd 3'"):
        read_as(Even, "3")
