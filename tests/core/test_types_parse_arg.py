"""Texts on the command line become values of the types that parameters are annotated with."""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import enum
import os.path
import pathlib
import typing

import pytest
from redun.file import Dir, File
from redun.value import ProxyValue, Value, parse_arg


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Name(Value):
    def __init__(self, text):
        if not text.isalpha():
            raise ValueError("letters only")
        self.text = text


class Range(Value):
    def __init__(self, low, high):
        self.low, self.high = low, high

    @classmethod
    def parse_arg(cls, raw_type, arg):
        low, high = arg.split("-")
        return raw_type(int(low), int(high))


class Metre:
    def __init__(self, length):
        self.length = length


class MetreProxy(ProxyValue):
    type = Metre

    @classmethod
    def parse_arg(cls, raw_type, arg):
        return raw_type(float(arg.removesuffix("m")))


class Sulking:
    def __init__(self, text):
        raise KeyError(text)


@pytest.mark.parametrize(
    ("raw_type", "text", "expected"),
    [
        (str, "text", "text"),
        (typing.Any, "text", "text"),
        (int, "12", 12),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (bool, "False", False),
        (bool, " TRUE ", True),
        (Colour, "RED", Colour.RED),
        (Colour, "Colour.BLUE", Colour.BLUE),
        (
            datetime.datetime,
            "2024-05-31T17:30:00+00:00",
            datetime.datetime(2024, 5, 31, 17, 30, tzinfo=datetime.UTC),
        ),
        (datetime.datetime, "2024-05-31", datetime.datetime(2024, 5, 31)),
        (pathlib.Path, "a/b", pathlib.Path("a/b")),
        (decimal.Decimal, "1.50", decimal.Decimal("1.50")),
        (collections.abc.Callable, "os.path.join", os.path.join),
        (typing.Callable, "os.path.join", os.path.join),
        (typing.Callable[[int], str], "os.path.join", os.path.join),
        (collections.abc.Callable[..., str], "os.path.join", os.path.join),
        (list, "abc", ["a", "b", "c"]),
    ],
)
def test_text_becomes_a_value(raw_type, text, expected):
    parsed = parse_arg(raw_type, text)
    assert parsed == expected
    assert type(parsed) is type(expected)


def test_text_becomes_a_value_of_a_users_class():
    assert parse_arg(Name, "abc").text == "abc"
    assert parse_arg(Range, "3-5").high == 5
    assert parse_arg(Metre, "3m").length == 3.0
    assert parse_arg(File, "a.txt").path == "a.txt"
    assert parse_arg(Dir, "a/").path == "a"
    assert type(parse_arg(Dir, "a")) is Dir


@pytest.mark.parametrize(
    ("raw_type", "text", "message"),
    [
        (int, "twelve", "'twelve' is not a number of type int"),
        (float, "", "'' is not a number of type float"),
        (bool, "yes", "'yes' is not a bool: give true or false"),
        (Colour, "GREEN", "'GREEN' is not a member of Colour: give one of RED, BLUE"),
        (datetime.datetime, "tomorrow", "'tomorrow' is not a date and time: give it like 2024-05-31"),
        (Name, "a1", "'a1' is not a .*Name: letters only"),
        (Range, "low", "'low' is not a .*Range"),
        (decimal.Decimal, "much", "'much' is not a decimal.Decimal"),
        (Sulking, "x", "'x' is not a .*Sulking"),
        (collections.abc.Callable, "join", "'join' is not a function: give it as module.name"),
        (collections.abc.Callable, "no.such.join", "module no.such cannot be imported"),
        (collections.abc.Callable, "os.path.nothing", "does not exist"),
        (collections.abc.Callable, "os.path.sep", "is a str, which cannot be called"),
    ],
)
def test_wrong_text_is_refused_with_what_would_be_right(raw_type, text, message):
    with pytest.raises(ValueError, match=message):
        parse_arg(raw_type, text)
