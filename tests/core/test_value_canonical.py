"""The canonical walk: against a specification in a few lines, and for instances, sets and cycles."""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import pathlib
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redun.hashing import hash_data
from redun.types import canonical, plain, reference
from redun.types.canonical import Walk
from redun.value import InvalidValueError, Value, decode, encode, hash_value

atoms = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.binary(max_size=30))
hashables = st.recursive(atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4), max_leaves=8)
data = st.recursive(
    hashables,
    lambda inner: st.one_of(
        st.lists(inner, max_size=50),
        st.tuples(inner, inner),
        st.dictionaries(hashables, inner, max_size=5),
        st.sets(hashables, max_size=5),
        st.frozensets(hashables, max_size=5),
    ),
    max_leaves=40,
)

HEADERS = {list: b"[", tuple: b"(", dict: b"{", set: b"<", frozenset: b">"}


def specified_hash(value, small: int, limit: int) -> bytes:
    """The hash of plain data, straight from the description in `redun.types.canonical`."""
    flat = reference.encode_plain(value)
    if type(value) not in HEADERS or len(flat) <= limit:
        return hash_data("value", flat)
    parts = [x for pair in value.items() for x in pair] if type(value) is dict else list(value)
    pieces = []
    for part in parts:
        inner = reference.encode_plain(part)
        pieces.append(inner if len(inner) <= small else b"\x01" + specified_hash(part, small, limit))
    if type(value) in (set, frozenset):
        pieces.sort()
    header = b"\0" + HEADERS[type(value)] + len(value).to_bytes(8, "little")
    return hash_data("value", header + b"".join(pieces))


@settings(deadline=None)
@given(value=data)
def test_walk_gives_the_specified_hash(value):
    for small, limit in ((1024, 1 << 20), (40, 200), (10, 30)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(canonical, "SMALL", small)
            patch.setattr(canonical, "FLAT_LIMIT", limit)
            for shared in (value, [value, value], {"a": (value, value)}):
                assert Walk().hash(shared) == specified_hash(shared, small, limit)


@given(value=data)
def test_fast_path_and_walk_agree(value):
    assert hash_value(value) == Walk().hash(value) == encode(value).hash


@given(value=data)
def test_walk_adds_up_the_size_of_the_flat_form(value):
    walk = Walk()
    walk.hash([value, value])
    assert walk.flat_size == len(reference.encode_plain([value, value]))


@pytest.mark.parametrize(
    "value",
    [
        list(range(400_000)),
        [(number, str(number)) for number in range(100_000)],
        {f"key {number}": number for number in range(80_000)},
        set(range(220_000)),
        [["x" * 2000, number] for number in range(1000)],
        [list(range(500)) if number % 32 == 0 else number for number in range(30_000)],
    ],
    ids=["ints", "pairs", "dict", "set", "texts", "uneven"],
)
def test_large_data_has_the_specified_hash(value):
    assert len(reference.encode_plain(value)) > plain.FLAT_LIMIT
    assert hash_value(value) == specified_hash(value, canonical.SMALL, canonical.FLAT_LIMIT)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Other(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: object
    y: object = 0


@dataclasses.dataclass
class Place:
    x: object
    y: object = 0


class Bag:
    pass


def bag(**attributes) -> Bag:
    made = Bag()
    made.__dict__.update(attributes)
    return made


@settings(deadline=None)
@given(data)
def test_sharing_inside_instances_does_not_count(value):
    shared = [Point(value, bag(a=value)), value]
    unshared = [Point(copy.deepcopy(value), bag(a=copy.deepcopy(value))), value]
    assert hash_value(shared) == hash_value(unshared)
    point = Point(value)
    assert hash_value([point, point]) == hash_value([point, Point(copy.deepcopy(value))])


@settings(deadline=None)
@given(data)
def test_instances_come_back_with_the_same_hash(value):
    encoded = encode([Point(value, bag(a=(value,))), {Colour.RED: value}])
    assert hash_value(decode(encoded.codec, encoded.data, encoded.type_name)) == encoded.hash


def double(x):
    return 2 * x


def triple(x):
    return 3 * x


def test_instances_are_told_apart():
    values = [
        Point(1, 2),
        Point(2, 1),
        Point(1, 2.0),
        Place(1, 2),
        bag(x=1, y=2),
        bag(x=1),
        Colour.RED,
        Colour.BLUE,
        Other.RED,
        Point,
        Place,
        double,
        triple,
        functools.partial(double, 1),
        functools.partial(double, x=1),
        pathlib.PurePosixPath("a"),
        pathlib.PurePosixPath("b"),
        pathlib.PureWindowsPath("a"),
        "a",
        ValueError("a"),
        TypeError("a"),
        ["Point", 1, 2],
    ]
    assert len({hash_value(value) for value in values}) == len(values)
    assert len({hash_value([value]) for value in values}) == len(values)


def test_order_in_which_attributes_were_set_does_not_count():
    assert hash_value(bag(a=1, b=2)) == hash_value(bag(b=2, a=1)) != hash_value(bag(a=2, b=1))


def test_function_changes_its_hash_with_its_source(tmp_path, monkeypatch):
    import importlib
    import sys

    monkeypatch.syspath_prepend(tmp_path)
    hashes = []
    for body in ("return 1", "return 1  ", "return 2"):
        (tmp_path / "changing_module.py").write_text(f"def function():\n    {body}\n# {len(hashes)}\n")
        sys.modules.pop("changing_module", None)
        importlib.invalidate_caches()
        sys.dont_write_bytecode, kept = True, sys.dont_write_bytecode
        try:
            hashes.append(hash_value(importlib.import_module("changing_module").function))
        finally:
            sys.dont_write_bytecode = kept
    assert len(set(hashes)) == 3


@pytest.mark.parametrize(
    "make", [lambda: lambda: 1, lambda: test_function_changes_its_hash_with_its_source and local()]
)
def test_what_nobody_can_import_is_refused(make):
    with pytest.raises(InvalidValueError, match="module level"):
        hash_value({"functions": [make()]})
    with pytest.raises(InvalidValueError, match="module level"):
        encode(make())


def local():
    class Local:
        pass

    return Local()


def test_message_says_what_and_where():
    with pytest.raises(InvalidValueError, match=r"builtins\.dict .*value\['a'\]\[2\]\.x is a _?.*generator"):
        encode({"a": [1, 2, Point(x for x in ())]})
    with pytest.raises(InvalidValueError, match=r"value\['a'\]\[2\]\.x is a _?.*generator"):
        hash_value({"a": [1, 2, Point(x for x in ())]})


class Broken:
    def __reduce_ex__(self, protocol):
        raise RuntimeError("no way")


def test_error_of_a_users_class_is_reported():
    with pytest.raises(InvalidValueError, match=r"Broken.*no way"):
        encode([Broken()])


# -- what contains itself


def ring(*words: str) -> list:
    made: list = [*words]
    made.append({"again": (made,)})
    return made


def test_data_that_contains_itself_is_hashed_and_stored():
    encoded = encode(ring("a"))
    assert encoded.hash == hash_value(ring("a")) != hash_value(ring("b"))
    back = decode(encoded.codec, encoded.data, encoded.type_name)
    assert back[1]["again"][0] is back
    assert hash_value(back) == encoded.hash


def test_sharing_around_a_cycle_does_not_count():
    one, other, content = ring("a"), ring("a"), ["x" * 10]
    assert hash_value([one, one]) == hash_value([one, other])
    one.append(content)
    one.append(content)
    other.append(["x" * 10])
    other.append(["x" * 10])
    assert hash_value(one) == hash_value(other)


class Node:
    def __init__(self, name):
        self.name = name
        self.next = None
        self.others = set()


def linked(count: int, end: object = None) -> Node:
    first = node = Node(0)
    for name in range(1, count):
        node.next = Node(name)
        node.next.previous = node
        node = node.next
    node.next = end
    return first


def test_long_linked_lists_are_hashed_in_linear_time():
    assert hash_value(linked(5_000)) == hash_value(linked(5_000)) != hash_value(linked(5_000, "end"))


def test_long_chain_of_instances_is_hashed_but_too_deep_to_store():
    chain: object = None
    for number in range(10_000):
        chain = Point(chain, number)
    assert hash_value(chain)
    with pytest.raises(InvalidValueError, match="too deeply"):
        encode(chain)


def graph(names: list[str]) -> Node:
    """Nodes that all know each other through sets, in the order in which they happened to be made."""
    nodes = {name: Node(name) for name in names}
    for node in nodes.values():
        node.others.update(other for other in nodes.values() if other is not node)
    return nodes["a"]


def test_order_in_sets_of_a_cycle_does_not_count():
    hashes = {hash_value(graph(names)) for names in (list("abcdefgh"), list("hgfedcba"), list("dhcgbfae"))}
    assert len(hashes) == 1
    assert hash_value(graph(list("abcdefgi"))) not in hashes


def test_which_object_of_a_cycle_is_meant_counts():
    hashes = set()
    for pick in ("one", "other"):
        nodes = {"one": Node("same"), "other": Node("same")}
        nodes["one"].next, nodes["other"].next = nodes["other"], nodes["one"]
        nodes["one"].pick = nodes[pick]
        hashes.add(hash_value(nodes["one"]))
    assert len(hashes) == 2


def test_position_in_a_cycle_counts():
    one, other = Node("one"), Node("other")
    one.next, other.next = other, one
    assert hash_value(one) != hash_value(other)
    assert hash_value(one) == hash_value(pickle.loads(pickle.dumps(one)))


# -- values inside


class Tracked(Value):
    def __init__(self, name):
        self.name = name


def test_values_inside_are_children_once():
    one, same, other = Tracked("a"), Tracked("a"), Tracked("b")
    encoded = encode({"x": [one, {one: same}], "y": Point(other)})
    assert [child.hash for child in encoded.children] == [hash_value(one), hash_value(other)]
    assert all(child.type_name == Tracked.type_name for child in encoded.children)
    inner = encode(Tracked([one])).children
    assert [child.hash for child in inner] == [hash_value(one)]


def test_values_inside_a_value_are_its_own_children():
    inner = Tracked("inner")
    middle = Tracked([inner])
    encoded = encode([middle, {"again": middle}])
    assert [child.hash for child in encoded.children] == [hash_value(middle)]
    assert [child.hash for child in encoded.children[0].children] == [hash_value(inner)]
    also_outside = encode([inner, middle])
    assert [child.hash for child in also_outside.children] == [hash_value(inner), hash_value(middle)]


def test_chain_of_values_is_encoded_in_moderate_time():
    chain = Tracked("end")
    for _ in range(60):
        chain = Tracked([chain])
    depth, encoded = 0, encode([chain])
    while encoded.children:
        (encoded,) = encoded.children
        depth += 1
    assert depth == 61


def test_value_that_holds_itself_is_encoded():
    loop = Tracked("loop")
    loop.itself = [loop]
    assert encode(loop).children == ()
    assert [child.hash for child in encode([loop]).children] == [hash_value(loop)]


def test_arrays_are_hashed_by_content_not_by_layout():
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(12, dtype="i4").reshape(3, 4)
    same = [array.copy(order="F"), numpy.arange(24, dtype="i4")[::2].copy().reshape(3, 4) // 2, array[:]]
    assert {hash_value(x) for x in same} == {hash_value(array)}
    strided = numpy.arange(24, dtype="i4").reshape(3, 8)[:, ::2]
    assert hash_value(strided) == hash_value(strided.copy())
    others = [
        array.T,
        array.reshape(4, 3),
        array.astype("i8"),
        array + 1,
        array.astype("f4"),
        array.tolist(),
        array[:0],
    ]
    assert len({hash_value(x) for x in [array, *others]}) == len(others) + 1
    assert len({hash_value(numpy.array(x)) for x in (1, [1], [], [[]])}) == 4
    texts = numpy.array(["a", {"b"}], dtype=object)
    assert hash_value({"a": [texts]}) == hash_value({"a": [texts.copy()]}) != hash_value({"a": [texts[::-1]]})
    dates = numpy.array(["2024-02-29"], dtype="M8[D]")
    assert hash_value(dates) == hash_value(dates.copy()) != hash_value(dates.astype("M8[s]"))
    encoded = encode([array])
    assert hash_value(decode(encoded.codec, encoded.data, encoded.type_name)) == encoded.hash


def test_cached_function_counts_with_its_source():
    assert hash_value(cached) != hash_value(also_cached)
    assert decode(*encode(cached)[2:4], "function") is cached


@functools.cache
def cached():
    return 1


@functools.cache
def also_cached():
    return 2


def test_numpy_like_buffers_are_hashed_by_their_bytes():
    memory = bytearray(b"0123456789")
    assert hash_value(pickle.PickleBuffer(memory)) == hash_value(pickle.PickleBuffer(b"0123456789"))
    assert hash_value(pickle.PickleBuffer(memory)) != hash_value(b"0123456789")


def test_looking_at_an_exception_does_not_change_its_hash() -> None:
    error = ValueError("a")
    before = hash_value(error)
    # From now on pickling takes an empty dict of it.
    assert error.__dict__ == {}
    assert hash_value(error) == before
