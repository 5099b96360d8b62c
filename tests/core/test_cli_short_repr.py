"""Short texts for values."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun.short_repr import short_repr

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers())
    ),
)


class Colour(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: int
    y: list[int]


@dataclass
class Box:
    items: list[int]


class Loud:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Endless(list[Any]):
    def __repr__(self) -> str:
        raise AssertionError("the whole repr must not be built")


@given(plain)
def test_the_text_is_the_repr_where_that_is_short(value):
    text = short_repr(value, 10_000)
    if "..." not in text and "<int of" not in text:
        assert text == repr(value)


@given(plain, st.integers(10, 80))
def test_the_text_is_not_much_longer_than_asked_for(value, limit):
    # An escape takes up to ten characters, and each level of a container two brackets.
    assert len(short_repr(value, limit)) <= 12 * limit


def test_containers_are_only_read_as_far_as_they_are_shown():
    class Counting(dict):
        pass

    assert short_repr(list(range(10**6)), 30).startswith("[0, 1, 2")
    assert len(short_repr(list(range(10**6)), 30)) < 40
    assert short_repr("x" * 10**7, 20) == "'" + "x" * 17 + "'..."
    assert short_repr({"a": "b" * 100}, 20).startswith("{'a': 'bbb")


def test_large_objects_of_other_types_are_named_not_written_out():
    assert short_repr(Endless(range(1000))) == "<Endless of 1000 items>"
    assert short_repr(1 << 5000) == "<int of 5001 bits>"


def test_structures_of_users_show_their_fields_shortened():
    assert short_repr(Point(1, [2])) == "Point(x=1, y=[2])"
    assert short_repr(Box(list(range(1000))), 40).startswith("Box(items=[0, 1")
    assert len(short_repr(Box(list(range(1000))), 40)) < 60
    assert short_repr(Colour.RED) == "Colour.RED"


def test_arrays_show_their_shape():
    numpy = pytest.importorskip("numpy")
    assert short_repr(numpy.zeros((1000, 3))) == "<ndarray of shape (1000, 3)>"


def test_a_repr_that_raises_is_no_problem():
    assert short_repr(Loud()) == "<Loud: its repr raised RuntimeError>"


def test_addresses_and_line_breaks_do_not_show():
    assert short_repr(object()) == "<object>"

    class Lines:
        def __repr__(self) -> str:
            return "a\nb"

    assert short_repr(Lines()) == "a b"


def test_nesting_ends():
    value: Any = []
    for _ in range(10_000):
        value = [value]
    assert "[...]" in short_repr(value, 1000)
