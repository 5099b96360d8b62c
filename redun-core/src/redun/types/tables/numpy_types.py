"""NumPy arrays and scalars.

Two arrays are equal here when they have the same class, shape, dtype (byte order, fields and their places included) and
elements. Order of dimensions in memory, strides, alignment and the bytes between fields do not count. A `numpy.memmap`
counts as the array of its elements, and comes back as one. A masked array counts with what is below its mask;
whether the mask is a hard one does not count, and does not come back.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from redun.hashing import hash_data, new_hasher
from redun.types import names, pickling
from redun.types.reductions import Reduction, ready, reduce_instance
from redun.types.tables import stored
from redun.types.tables.table_type import TableType, copy_by_pickle, pack_pickle, pickled_as_stored, reduction

_EXTENDED_BYTES = 10
"""Of an x87 extended float; the bytes up to its size are not set."""
_BLOCK = 1 << 20
"""Bytes of an array that are brought into order together."""
_NUMBERS = frozenset("biufcmM")
_LIKE_ARRAYS = frozenset({np.ndarray, np.memmap})


class NdarrayType(TableType, register=False):
    """Arrays, and instances of their subclasses."""

    type_name = "numpy.ndarray"

    def _redun_reduction(self) -> Reduction:
        """Class, shape, dtype and elements."""
        array = self.instance
        cls = type(array)
        if cls in _LIKE_ARRAYS:
            return reduction("numpy.ndarray", *parts(array))
        if cls is np.ma.MaskedArray:
            mask, fill = np.ma.getmaskarray(array), np.asarray(array.fill_value)
            return reduction("masked", *parts(array.data), content(mask), parts(fill))
        if all(getattr(cls, name) is getattr(np.ndarray, name) for name in ("__reduce__", "__reduce_ex__")):
            return reduction("array", names.importable_name(cls), *parts(array.view(np.ndarray)))
        return reduce_instance(array)

    def serialize(self) -> bytes:
        """The elements with a heading: as they are, in NumPy's npy format where there are fields, else pickled."""
        array = self.instance
        if type(array) is np.memmap:
            array = np.asarray(array)
        heading = {"shows": shown(array)}
        if type(array) is not np.ndarray or array.dtype.hasobject or _is_special(array.dtype):
            return pack_pickle(array, **heading)
        if array.dtype.fields is not None:
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(3, 0), allow_pickle=False)
            return stored.pack({"format": "npy", **heading}, buffer.getbuffer())
        is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        body = _memory(array.T if is_fortran else array)
        order = "F" if is_fortran else "C"
        return stored.pack(
            {"format": "raw", "dtype": array.dtype.str, "shape": array.shape, "order": order, **heading}, body
        )

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:  # noqa: ARG003
        """The array that was stored; it can be written to."""
        heading, body = stored.unpack(data)
        if heading["format"] == "pickle":
            return pickling.load(body)
        if heading["format"] == "npy":
            return np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
        dtype, shape, order = np.dtype(heading["dtype"]), heading["shape"], heading["order"]
        if dtype.itemsize == 0:
            return np.empty(shape, dtype)
        return np.frombuffer(body, dtype).reshape(shape, order=order).copy(order=order)

    def _redun_pickled(self) -> Any:
        """Its own pickle, except for dates and spans in the other byte order, which NumPy's pickles lose."""
        dtype = self.instance.dtype
        if dtype.kind in "mM" and not dtype.isnative and type(self.instance) in _LIKE_ARRAYS:
            return pickled_as_stored(self)
        return self.instance.__reduce_ex__(pickling.PROTOCOL)

    def object_columns(self) -> list[list[Any]]:
        """The elements, if they are Python objects."""
        array = self.instance
        return [np.asarray(array).ravel().tolist()] if array.dtype.hasobject else []

    def _redun_private_copy(self) -> Any:
        """A copy of the array in the same order of dimensions."""
        array = self.instance
        if type(array) not in _LIKE_ARRAYS or array.dtype.hasobject:
            return copy_by_pickle(array)
        return np.array(array, order="K")


class ScalarType(TableType, register=False):
    """Single elements of arrays."""

    type_name = "numpy.generic"

    def _redun_reduction(self) -> Reduction:
        """Class, dtype and value."""
        cls = type(self.instance)
        if cls.__module__.partition(".")[0] != "numpy":
            return reduce_instance(self.instance)
        dtype = self.instance.dtype
        if dtype.kind in _NUMBERS and dtype.char not in "gG":  # a column of objects may hold millions of them
            kind = f"scalar {cls.__name__} {dtype.str} ".encode()
            return ready(hash_data("value", kind + self.instance.tobytes()))
        return reduction("scalar", cls.__name__, *parts(np.asarray(self.instance)))

    def serialize(self) -> bytes:
        """As an array without dimensions."""
        if type(self.instance).__module__.partition(".")[0] != "numpy":
            return pack_pickle(self.instance)
        return NdarrayType(np.asarray(self.instance)).serialize()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        """The scalar that was stored."""
        made = NdarrayType.deserialize(raw_type, data)
        return made[()] if type(made) is np.ndarray else made

    def _redun_private_copy(self) -> Any:
        """The scalar itself, unless it has fields, which can be set."""
        return self.instance.copy() if isinstance(self.instance, np.void) else self.instance


def shown(array: Any) -> str:
    """An array in a few words."""
    return f"{array.dtype}, {' x '.join(map(str, array.shape)) or 'scalar'}"[:200]


def parts(array: Any) -> list[Any]:
    """What the content of an array consists of: dtype, shape and elements."""
    return [describe_dtype(array.dtype), array.shape, content(array)]


def describe_dtype(dtype: Any) -> Any:
    """A dtype as plain data, the same for equal dtypes."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ("sub", describe_dtype(base), shape)
    if dtype.fields is None:
        return str(dtype) if dtype.kind == "T" else dtype.str
    fields = [
        (name, describe_dtype(entry[0]), entry[1], *entry[2:])
        for name, entry in ((name, dtype.fields[name]) for name in dtype.names)
    ]
    return ("fields", dtype.itemsize, dtype.type.__name__, fields)


def content(array: Any) -> Any:
    """The elements in C order: the hash of their bytes; objects themselves; both, field by field, where there are."""
    array = np.asarray(array)
    dtype = array.dtype
    if dtype.fields is not None:
        return [content(array[name]) for name in dtype.names]
    if dtype.hasobject:
        return array.ravel().tolist()
    if dtype.char in "gG":
        array = _without_padding(array)
    hasher = new_hasher("value")
    if array.flags.c_contiguous or array.nbytes <= _BLOCK or array.dtype.itemsize == 0:
        hasher.update(_memory(array))
    else:
        _hash_blocks(hasher, array)
    return hasher.digest()


def _hash_blocks(hasher: Any, array: Any) -> None:
    """Hash what is not contiguous block by block, without a second array of its size."""
    if array.ndim > 1 and array[0].nbytes > _BLOCK:
        for row in array:
            _hash_blocks(hasher, row)
        return
    rows = max(1, len(array) * _BLOCK // array.nbytes)
    for start in range(0, len(array), rows):
        hasher.update(_memory(array[start : start + rows]))


def _memory(array: Any) -> memoryview:
    """The elements in C order as bytes; a copy only where they do not lie so already."""
    if array.dtype.itemsize == 0 or array.size == 0:
        return memoryview(b"")
    return memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))


def _without_padding(array: Any) -> Any:
    size = np.dtype(np.longdouble).itemsize
    if np.finfo(np.longdouble).nmant != 63:  # not the extended format of x86
        return array
    flat = np.frombuffer(_memory(array), np.uint8).reshape(-1, size)[:, :_EXTENDED_BYTES]
    return np.ascontiguousarray(flat)


def _is_special(dtype: Any) -> bool:
    """Whether a dtype has what the npy format loses: alignment, titles, metadata, the class of records."""
    if dtype.metadata or dtype.kind == "T" or dtype.type is np.record or dtype.isalignedstruct:
        return True
    if dtype.subdtype is not None:
        return _is_special(dtype.subdtype[0])
    return any(len(entry) > 2 or _is_special(entry[0]) for entry in (dtype.fields or {}).values())
