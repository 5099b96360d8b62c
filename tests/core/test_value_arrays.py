"""NumPy arrays and scalars as values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redun import File
from redun.errors import InvalidValueError
from redun.value import ProxyValue, TypeRegistry, decode, encode, hash_value, is_valid, use_type_registry

np = pytest.importorskip("numpy", reason="needs numpy: pip install numpy")
extra = pytest.importorskip("hypothesis.extra.numpy")

examples = settings(deadline=timedelta(seconds=20), suppress_health_check=list(HealthCheck))

plain_dtypes = st.one_of(
    extra.scalar_dtypes(),
    extra.byte_string_dtypes(min_len=1),
    extra.unicode_string_dtypes(min_len=1),
    extra.array_dtypes(max_size=3),
    extra.array_dtypes(max_size=3, allow_subarrays=True).map(lambda dtype: np.dtype([("a", dtype), ("b", "i2")])),
)
arrays = extra.arrays(plain_dtypes, extra.array_shapes(min_dims=0, min_side=0, max_side=5))


def back(value: Any) -> Any:
    encoded = encode(value)
    return decode(encoded.codec, encoded.data, encoded.type_name)


def same_bytes(one: Any, other: Any) -> bool:
    if one.dtype.fields:
        return all(same_bytes(one[name], other[name]) for name in one.dtype.names)
    return one.tobytes() == other.tobytes()


def layouts(array: Any) -> list[Any]:
    """The same content in other places of memory."""
    wide = np.zeros((*array.shape, 2), array.dtype)
    wide[..., 0] = array
    made = [array.copy(order="F"), wide[..., 0]]
    if array.ndim:
        made.append(array[::-1].copy()[::-1])
        around = np.zeros((3 * len(array), *array.shape[1:]), array.dtype)
        around[len(array) : 2 * len(array)] = array
        made.append(around[len(array) : 2 * len(array)])
    unaligned = np.frombuffer(b"x" + array.tobytes(), np.uint8)[1:]
    if array.dtype.itemsize and array.size:
        made.append(unaligned.view(array.dtype).reshape(array.shape))
    return made


@examples
@given(arrays)
def test_an_array_comes_back_as_it_was(array: Any) -> None:
    made = back(array)
    assert type(made) is np.ndarray
    assert (made.dtype, made.shape) == (array.dtype, array.shape)
    assert same_bytes(made, array)
    assert hash_value(made) == hash_value(array) == encode(array).hash
    assert made.flags.writeable
    assert hash_value(back([array, {"k": array}])) == hash_value([array, {"k": array}])


@examples
@given(arrays)
def test_the_place_in_memory_is_no_content(array: Any) -> None:
    assert {hash_value(each) for each in layouts(array)} == {hash_value(array)}


@examples
@given(arrays, arrays)
def test_other_content_has_another_hash(one: Any, other: Any) -> None:
    same = (one.dtype, one.shape) == (other.dtype, other.shape) and same_bytes(one, other)
    assert (hash_value(one) == hash_value(other)) == same


@examples
@given(arrays, st.data())
def test_one_other_element_is_another_value(array: Any, data: Any) -> None:
    if array.size == 0 or array.dtype.itemsize == 0:
        return
    changed = array.copy()
    number = data.draw(st.integers(0, array.size - 1))
    element = data.draw(extra.arrays(array.dtype, ()))
    changed.reshape(-1)[number] = element
    assert (hash_value(changed) == hash_value(array)) == same_bytes(changed, array)


@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_of_a_large_array_hash_as_the_whole(order: str) -> None:
    array = np.random.default_rng(1).random((70, 400, 100))
    views = [array, np.asfortranarray(array), array.transpose(2, 0, 1).copy(order=order).transpose(1, 2, 0)]
    assert len({hash_value(view) for view in views}) == 1
    assert hash_value(np.broadcast_to(np.arange(7.0), (300_000, 7))) == hash_value(
        np.tile(np.arange(7.0), (300_000, 1))
    )


KINDS = [
    np.array(["x", None, {"b"}, [1]], dtype=object),
    np.array([(1, "x")], dtype=[("a", "i4"), ("b", object)]),
    np.array(["2020-02-29", "NaT"], dtype="M8[D]"),
    np.array([1, 2], dtype=">i8"),
    np.zeros(3, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    np.zeros(2, np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [8], "itemsize": 16})),
    np.ma.array([1.5, 2.5, 3.5], mask=[0, 1, 0], fill_value=7),
    np.rec.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
    np.array([[1, 2]]).view(np.recarray),
    np.float32(1.5),
    np.int64(-1),
    np.bool_(True),
    np.complex128(1j),
    np.datetime64("2020-01-01T00:00"),
    np.timedelta64(3, "h"),
    np.str_("text"),
    np.bytes_(b"bytes"),
    np.void(b"abc"),
    np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])[0],
    np.longdouble(1) / 3,
    np.zeros((2, 0, 3)),
    np.zeros(2, "U0"),
]


@pytest.mark.parametrize("value", KINDS, ids=lambda value: f"{type(value).__name__}-{value.dtype}")
def test_every_kind_comes_back_with_its_class_and_hash(value: Any) -> None:
    made = back(value)
    assert type(made) is type(value)
    assert made.dtype == value.dtype
    assert str(made) == str(value)
    assert hash_value(made) == hash_value(value)
    assert hash_value(back([value])) == hash_value([value])


def test_kinds_are_told_apart() -> None:
    same_elements = [
        np.arange(3),
        np.arange(3, dtype=">i8"),
        np.arange(3, dtype="u8"),
        np.arange(3).astype(object),
        np.ma.array([0, 1, 2]),
        np.ma.array([0, 1, 2], mask=[1, 0, 0]),
        np.array([0, 1, 2]).view(np.recarray),
        np.arange(3).reshape(3, 1),
        np.int64(0),
        np.array(0),
        0,
        [0, 1, 2],
        np.array([0, 1, 2], dtype=[("a", "i8")]),
        np.array([0, 1, 2], dtype=[("b", "i8")]),
    ]
    assert len({hash_value(value) for value in same_elements}) == len(same_elements)


def test_bytes_between_fields_are_no_content() -> None:
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    one, other = (np.frombuffer(bytes([fill]) * 32, np.uint8).copy().view(dtype) for fill in (0, 255))
    one["a"], other["a"], one["b"], other["b"] = 1, 1, 2.5, 2.5
    assert one.tobytes() != other.tobytes()
    assert hash_value(one) == hash_value(other)


def test_the_unset_bytes_of_extended_floats_are_no_content() -> None:
    size = np.dtype(np.longdouble).itemsize
    if np.finfo(np.longdouble).nmant != 63:
        pytest.skip("long double has another format here")
    one = np.ones(2, np.longdouble)
    raw = np.frombuffer(one.tobytes(), np.uint8).copy().reshape(2, size)
    raw[:, 10:] = 77
    other = raw.reshape(-1).view(np.longdouble)
    assert hash_value(one) == hash_value(other) != hash_value(one * 2)


def test_a_memmap_is_the_array_of_its_elements(tmp_path: Any) -> None:
    mapped = np.memmap(tmp_path / "data", dtype="f8", mode="w+", shape=(3, 4))
    mapped[:] = np.arange(12.0).reshape(3, 4)
    assert hash_value(mapped) == hash_value(np.arange(12.0).reshape(3, 4))
    assert type(back(mapped)) is np.ndarray


def test_what_compresses_is_stored_small_and_the_rest_as_it_is() -> None:
    zeros, noise = np.zeros(1_000_000), np.random.default_rng(2).random(100_000)
    assert len(encode(zeros).data) < zeros.nbytes / 100
    assert noise.nbytes <= len(encode(noise).data) < noise.nbytes + 200
    assert np.array_equal(back(zeros), zeros)


def test_files_in_an_array_of_objects_are_children_and_asked_whether_they_hold(tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    array = np.array([[File(str(path))], [None]], dtype=object)
    encoded = encode(array)
    assert [child.path for child in encoded.children] == [str(path)]
    assert is_valid(back({"k": array}))
    path.unlink()
    assert not is_valid(back({"k": array}))


def test_an_object_that_cannot_be_stored_is_named() -> None:
    with pytest.raises(InvalidValueError, match=r"value\['k'\] is a numpy\.ndarray: .*lambda"):
        encode({"k": np.array([lambda: 0], dtype=object)})


class Mine(ProxyValue, register=False):
    type_name = "tests.MyArray"

    def get_hash(self, data: bytes | None = None) -> str:
        return f"{self.instance.sum()}"

    def serialize(self) -> bytes:
        return self.instance.tobytes()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        assert raw_type is np.ndarray
        return np.frombuffer(data)


def test_a_proxy_of_the_users_own_comes_first() -> None:
    with use_type_registry(TypeRegistry()) as registry:
        registry.register_named("numpy.ndarray", Mine)
        assert hash_value(np.array([1.0, 2.0])) == hash_value(np.array([2.0, 1.0]))
        registry.register(Mine)
        assert back(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_stored_bytes_that_are_damaged_are_an_invalid_value() -> None:
    encoded = encode(np.arange(5.0))
    for data in (b"", b"\x01", encoded.data[:-3], b"\x02" + encoded.data[1:], encoded.data[:20]):
        with pytest.raises(InvalidValueError):
            decode("value", data, "numpy.ndarray")
