"""What is stored of a value, and how it comes back."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import json
import pathlib
import pickle
import sys
import types

import pytest
from redun.errors import InvalidValueError
from redun.value import Value, decode, encode, hash_value, is_valid, register_codec


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: object


def back(value):
    encoded = encode(value)
    return decode(encoded.codec, encoded.data, encoded.type_name)


@pytest.mark.parametrize(
    ("value", "codec", "type_name"),
    [
        (None, "plain", "builtins.NoneType"),
        (True, "plain", "builtins.bool"),
        (7, "plain", "builtins.int"),
        ("text", "plain", "builtins.str"),
        ("text" * 100_000, "plain", "builtins.str"),
        (b"bytes", "bytes", "builtins.bytes"),
        (bytearray(b"bytes"), "bytes", "builtins.bytearray"),
        ([1, {"a": (2.5, {3})}], "plain", "builtins.list"),
        (list(range(500_000)), "plain", "builtins.list"),
        (Colour.RED, "pickle", "test_value_storage.Colour"),
        (Point([1]), "pickle", "test_value_storage.Point"),
        ([Point(1)], "pickle", "builtins.list"),
        (pathlib.PurePosixPath("a/b"), "pickle", "pathlib.PurePosixPath"),
        (json, "pickle", "builtins.module"),
        (datetime.date(2024, 2, 29), "pickle", "datetime.date"),
        (collections.deque([1], maxlen=2), "pickle", "collections.deque"),
        (len, "pickle", "builtins.builtin_function_or_method"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_codec_and_type_name(value, codec, type_name):
    encoded = encode(value)
    assert encoded.codec == codec
    assert encoded.type_name.endswith(type_name)
    assert (encoded.children, encoded.path) == ((), None)
    made = back(value)
    assert made == value
    assert type(made) is type(value)
    assert hash_value(made) == encoded.hash


def test_paths_are_stored_without_a_private_module():
    assert b"_local" not in encode({"path": pathlib.PurePosixPath("a")}).data


def test_hash_is_that_of_the_moment():
    value = [1, 2]
    encoded = encode(value)
    value.append(3)
    assert decode(encoded.codec, encoded.data, encoded.type_name) == [1, 2]
    assert encoded.hash == hash_value([1, 2])


def test_unknown_codec_is_an_invalid_value():
    with pytest.raises(InvalidValueError, match=r"stored mod.Type has the codec 'brotli'.*known: .*pickle"):
        decode("brotli", b"", "mod.Type")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a pickle",
        pickle.dumps([1, 2], 5)[:-3],
        b"cno_such_module\nThing\n.",
        b"cjson\nno_such_name\n.",
        b"\x80\x05" + b"]\x94" * 5,
    ],
)
def test_pickle_that_cannot_be_read_is_an_invalid_value(data):
    with pytest.raises(InvalidValueError, match="stored mod"):
        decode("pickle", data, "mod.Type")


class Refusing:
    def __setstate__(self, state):
        raise LookupError("the state is of yesterday")


def test_class_that_refuses_its_state_is_an_invalid_value():
    value = Refusing()
    value.x = 1
    with pytest.raises(InvalidValueError, match="LookupError: the state is of yesterday"):
        back(value)


def test_class_that_is_gone_is_an_invalid_value(monkeypatch):
    module = types.ModuleType("a_module_for_a_while")
    exec("class Thing: pass", module.__dict__)
    module.Thing.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    encoded = encode([module.Thing()])
    monkeypatch.delitem(sys.modules, module.__name__)
    with pytest.raises(InvalidValueError, match="a_module_for_a_while"):
        decode(encoded.codec, encoded.data, encoded.type_name)


def test_codec_of_another_module_is_used():
    register_codec("reversed", lambda data: data[::-1])
    assert decode("reversed", b"abc", "some.Type") == b"cba"


class Perishable(Value):
    checked: list[str] = []  # noqa: RUF012

    def __init__(self, name, valid):
        self.name, self.valid = name, valid

    def is_valid(self):
        self.checked.append(self.name)
        return self.valid


def test_every_value_inside_is_asked_whether_it_is_valid():
    fresh, stale = Perishable("fresh", True), Perishable("stale", False)
    assert is_valid(fresh)
    assert not is_valid(stale)
    assert is_valid([1, {"a": (fresh, "b")}, Point({fresh})])
    assert not is_valid([1, {"a": (fresh, "b")}, Point({stale})])
    assert not is_valid({stale: 1})


def test_plain_data_is_valid():
    assert all(map(is_valid, [None, 1, "a", [1, {"a": {2}}], Point(1), list(range(300_000)), json]))


def test_validity_of_shared_structures_costs_no_more_than_their_objects():
    Perishable.checked.clear()
    shared = [Perishable("one", True)]
    for _ in range(80):
        shared = [shared, shared]
    assert is_valid(shared)
    assert len(Perishable.checked) <= 2


@pytest.mark.parametrize("value", [(x for x in ()), sys.stdout, [object.__new__(type("Odd", (), {}))]])
def test_what_cannot_be_stored_is_an_invalid_value(value):
    with pytest.raises(InvalidValueError, match="cannot be"):
        encode(value)
