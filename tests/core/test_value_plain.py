"""Plain data: the canonical encoding, its reference, and what equal means."""

from __future__ import annotations

import contextlib
import copy
import itertools
import marshal
import math
import pickle
import struct
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redun.types import plain, reference
from redun.value import decode, encode, hash_value

nans = st.integers(0, (1 << 51) - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", 0x7FF8 << 48 | bits))[0])
atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 200), 1 << 200),
    st.floats(),
    nans,
    st.complex_numbers(),
    st.text(st.characters(blacklist_categories=())),
    st.binary(),
)
hashables = st.recursive(atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4), max_leaves=8)
data = st.recursive(
    hashables,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(inner, inner),
        st.dictionaries(hashables, inner, max_size=5),
        st.sets(hashables, max_size=5),
        st.frozensets(hashables, max_size=5),
    ),
    max_leaves=25,
)


@given(data)
def test_marshal_writes_what_the_reference_writes(value):
    written = reference.encode_plain(value)
    try:
        assert marshal.dumps(value, 2) == written
    except TypeError:  # two complex NaNs in a set: marshal tries to order them
        assert "nan" in repr(value)
    assert plain.dump(value) == written


@given(data)
def test_reference_reads_what_it_writes(value):
    written = reference.encode_plain(value)
    assert reference.encode_plain(reference.decode_plain(written)) == written


@given(data)
def test_stored_value_comes_back_with_the_same_hash(value):
    encoded = encode(value)
    back = decode(encoded.codec, encoded.data, encoded.type_name)
    assert type(back) is type(value)
    assert hash_value(back) == hash_value(value) == encoded.hash


@given(data)
def test_sharing_does_not_count(value):
    shared = [value, value, (value,)]
    unshared = [value, copy.deepcopy(value), pickle.loads(pickle.dumps((value,)))]
    assert hash_value(shared) == hash_value(unshared)


@given(data, data)
def test_equal_hash_means_equal_encoding(one, other):
    assert (hash_value(one) == hash_value(other)) == (reference.encode_plain(one) == reference.encode_plain(other))


@given(st.lists(hashables, max_size=6), st.randoms())
@example([complex("nan"), complex("nan")], Random(1))
def test_order_of_a_set_does_not_count(items, random):
    other = list(items)
    random.shuffle(other)
    # Equal items of different types collapse onto whichever comes first, so each type has its own set here.
    one, two = {(type(x).__name__, repr(x), x) for x in items}, {(type(x).__name__, repr(x), x) for x in other}
    assert hash_value(one) == hash_value(two)
    assert hash_value(frozenset(one)) == hash_value(frozenset(two)) != hash_value(one)


def test_values_that_python_calls_equal_are_told_apart():
    alike = [
        1,
        True,
        1.0,
        1 + 0j,
        0,
        False,
        0.0,
        -0.0,
        complex(0.0, -0.0),
        complex(-0.0, 0.0),
        "1",
        b"1",
        None,
        "",
        b"",
    ]
    containers = [
        (),
        [],
        {},
        set(),
        frozenset(),
        (1,),
        {1: 1},
        {1},
        frozenset({1}),
        {True: 1},
        {1: True},
        {True},
        (1.0,),
    ]
    values = [*alike, *containers, *([x] for x in alike), *({"k": x} for x in alike)]
    for one, other in itertools.combinations(values, 2):
        assert hash_value(one) != hash_value(other), (one, other)


def test_order_of_a_dict_counts():
    assert hash_value({"a": 1, "b": 2}) != hash_value({"b": 2, "a": 1})


def test_nans_are_told_apart_by_their_bits():
    quiet, other = float("nan"), struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]
    assert math.isnan(other)
    assert hash_value(quiet) == hash_value(float("nan")) != hash_value(other)
    assert hash_value([quiet, quiet]) == hash_value([quiet, float("nan")])


def test_interning_does_not_count():
    part = "inter"
    assert hash_value(["interned", "interned"]) == hash_value([part + "ned", "".join(["interned"])])


def test_what_has_a_buffer_is_not_taken_for_bytes():
    hashes = {hash_value(x) for x in (b"abc", bytearray(b"abc"), memoryview(b"abc"), [b"abc"], [bytearray(b"abc")])}
    assert len(hashes) == 5


class Text(str):
    __slots__ = ()


class Number(int):
    pass


def test_subclasses_are_told_apart_from_what_they_inherit():
    assert hash_value(Text("a")) != hash_value("a")
    assert hash_value([Text("a")]) != hash_value(["a"])
    assert hash_value({Number(1): 1}) != hash_value({1: 1})
    assert type(decode(*_stored(Text("a")))) is Text


def _stored(value):
    encoded = encode(value)
    return encoded.codec, encoded.data, encoded.type_name


def test_deep_data_neither_crashes_nor_recurses():
    deep: object = "end"
    for level in range(50_000):
        deep = [deep] if level % 2 else (deep, level)
    encoded = encode(deep)
    back = decode(encoded.codec, encoded.data, encoded.type_name)
    assert encode(back).hash == hash_value(deep) == encoded.hash
    assert hash_value([deep]) != encoded.hash


@pytest.mark.parametrize("depth", [3, 60, 1000])
def test_deep_frozensets_cost_no_more_than_their_depth(depth: int):
    deep = frozenset({"end"})
    for _ in range(depth):
        deep = frozenset({deep})
    encoded = encode(deep)
    assert hash_value(decode(encoded.codec, encoded.data, encoded.type_name)) == encoded.hash


def doublings(times: int, bottom: object) -> object:
    for _ in range(times):
        bottom = [bottom, bottom]
    return bottom


def test_shared_structures_do_not_explode():
    encoded = encode({"a": doublings(80, (1, "x"))})
    assert len(encoded.data) < 10_000
    back = decode(encoded.codec, encoded.data, encoded.type_name)
    assert hash_value(back) == encoded.hash
    assert hash_value({"a": doublings(80, (1, "y"))}) != encoded.hash
    assert hash_value({"a": doublings(79, (1, "x"))}) != encoded.hash


@pytest.mark.parametrize("times", [15, 18])
def test_shared_and_unshared_doublings_are_equal(times: int):
    shared = doublings(times, "some text")
    unshared = marshal.loads(marshal.dumps(shared, 2))
    assert shared[0] is shared[1]
    assert unshared[0] is not unshared[1]
    assert hash_value(shared) == hash_value(unshared)


def test_shared_long_texts_are_written_once():
    text = "0123456789" * 100_000
    encoded = encode([[text] * 50 for _ in range(50)])
    assert len(encoded.data) < 2 * len(text)
    back = decode(encoded.codec, encoded.data, encoded.type_name)
    assert back == [[text] * 50 for _ in range(50)]
    assert encoded.hash == hash_value([["0123456789" * 100_000] * 50 for _ in range(50)])


def test_shared_long_integers_do_not_explode():
    number = 7**200_000
    assert hash_value([number] * 5000) == hash_value([7**200_000] * 5000) != hash_value([number] * 4999)


@pytest.mark.parametrize("codec", ["plain", "graph"])
def test_damaged_data_is_refused(codec: str):
    from redun.errors import InvalidValueError

    data = encode(doublings(80, "x") if codec == "graph" else [1, "abc", {"k": (2.5,)}]).data
    for damaged in (b"", data[:-1], data[: len(data) // 2], b"\xff" + data[1:]):
        with pytest.raises(InvalidValueError, match=f"builtins.list .*{codec}"):
            decode(codec, damaged, "builtins.list")


@given(st.binary(max_size=60))
def test_reference_decoder_raises_nothing_unexpected(noise):
    with contextlib.suppress(ValueError, TypeError):
        reference.decode_plain(noise)


def test_reference_refuses_what_is_not_plain():
    with pytest.raises(TypeError, match="bytearray is not plain data"):
        reference.encode_plain([bytearray(b"abc")])
