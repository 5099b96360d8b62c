"""Polars data frames and series.

Two of them are equal here when they have the same class, names, dtypes, order and elements. Chunks, views of larger
buffers, what is known of sorting, and the codes behind a `Categorical` do not count; the categories of an `Enum` are
part of its dtype. A `LazyFrame` is a query and not data, so it is refused.
"""

from __future__ import annotations

import io
from array import array
from typing import TYPE_CHECKING, Any, NoReturn

import polars as pl

from redun.errors import InvalidValueError
from redun.hashing import new_hasher
from redun.types import names, pickling
from redun.types.tables import stored
from redun.types.tables.table_type import TableType, pickled_as_stored, reduction

if TYPE_CHECKING:
    from redun.types.reductions import Reduction

_CODES = {"Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "Float32": "f", "Float64": "d"}
_CODES |= {"UInt8": "B", "UInt16": "H", "UInt32": "I", "UInt64": "Q"}
_ROWS = 1 << 18
"""How many elements are looked at together where they have to be copied."""


class DataFrameType(TableType, register=False):
    """Data frames."""

    type_name = "polars.DataFrame"

    def _redun_reduction(self) -> Reduction:
        """Names, dtypes and columns."""
        frame = self._frame()
        return reduction(
            self.type_name,
            _class_name(self.instance, pl.DataFrame),
            frame.height,
            [[column.name, column_parts(column)] for column in frame.get_columns()],
        )

    def _frame(self) -> Any:
        return self.instance

    def serialize(self) -> bytes:
        """A file of Arrow's IPC format. Columns of Python objects are pickled."""
        frame = self._frame()
        if _class_name(self.instance, pl.DataFrame, pl.Series) is not None:
            raise InvalidValueError(
                f"a {names.qualified_name(type(self.instance))} is derived from a class of Polars and cannot be "
                "stored: turn it into that class, or register a ProxyValue for it"
            )
        objects = {
            position: (column.name, column.to_list())
            for position, column in enumerate(frame.get_columns())
            if column.dtype == pl.Object
        }
        heading = {"shows": self._shown(), "objects": 0}
        rest = frame.select(pl.exclude(pl.Object)) if objects else frame
        buffer = io.BytesIO()
        rest.write_ipc(buffer, compression="zstd")
        body: Any = buffer.getbuffer()
        if objects:
            pickled = pickling.dump(objects)
            heading["objects"] = len(pickled)
            body = pickled + bytes(body)
        return stored.pack(heading, body)

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:  # noqa: ARG003
        """The data frame that was stored."""
        heading, body = stored.unpack(data)
        size = heading["objects"]
        frame = pl.read_ipc(io.BytesIO(body[size:]))
        if not size:
            return frame
        columns = frame.get_columns()
        for position, (name, items) in pickling.load(body[:size]).items():
            columns.insert(position, pl.Series(name, items, dtype=pl.Object))
        return pl.DataFrame(columns)

    def _shown(self) -> str:
        frame = self.instance
        return f"{frame.height} rows, {frame.width} columns: {stored.names_shown(frame.columns)}"

    def object_columns(self) -> list[list[Any]]:
        """The columns of Python objects."""
        return [column.to_list() for column in self._frame().get_columns() if column.dtype == pl.Object]

    def _redun_pickled(self) -> Any:
        """Its stored form: its own pickle cannot hold Python objects."""
        return pickled_as_stored(self)

    def _redun_private_copy(self) -> Any:
        """Another frame over the same data: Polars copies data before it changes it."""
        if self.object_columns():
            return type(self).deserialize(None, self.serialize())
        return self.instance.clone()


class SeriesType(DataFrameType, register=False):
    """Series."""

    type_name = "polars.Series"

    def _redun_reduction(self) -> Reduction:
        """Name, dtype and elements."""
        series = self.instance
        return reduction(self.type_name, _class_name(series, pl.Series), series.name, column_parts(series))

    def _frame(self) -> Any:
        return self.instance.to_frame()

    def _shown(self) -> str:
        return f"{self.instance.dtype}, {len(self.instance)}"[:200]

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        """The series that was stored."""
        return super().deserialize(raw_type, data).to_series(0)


class LazyFrameType(TableType, register=False):
    """Queries that have not run."""

    type_name = "polars.LazyFrame"

    def _redun_reduction(self) -> Reduction:
        """Raise InvalidValueError: a query is not data."""
        self._refuse()

    def serialize(self) -> bytes:
        """Raise InvalidValueError: a query is not data."""
        self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise InvalidValueError(
            "a polars.LazyFrame is a query and not data, so it cannot be hashed or stored: "
            "pass on what its collect() returns"
        )


def _class_name(value: Any, *own: type) -> str | None:
    return None if type(value) in own else names.importable_name(type(value))


def column_parts(series: Any) -> list[Any]:
    """What a column consists of: dtype, length, positions of nulls, and what remains without them."""
    dtype = str(series.dtype)
    if isinstance(series.dtype, pl.Enum):
        dtype = f"Enum{series.dtype.categories.to_list()!r}"
    count = len(series)
    nulls = b""
    if series.null_count():
        if isinstance(series.dtype, pl.Null):
            return [dtype, count]
        nulls = _numbers(series.is_null().arg_true().cast(pl.Int64))
        series = series.drop_nulls()
    return [dtype, count, nulls, _elements(series) if len(series) else []]


def _elements(series: Any) -> Any:
    dtype = series.dtype
    if isinstance(dtype, pl.Boolean):
        return _numbers(series.cast(pl.UInt8))
    if dtype.is_temporal():
        series = series.to_physical()
        dtype = series.dtype
    if str(dtype) in _CODES:
        return _numbers(series)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        series = series.cast(pl.String)
    if isinstance(series.dtype, pl.String):
        return _texts(series)
    if isinstance(dtype, pl.Binary):
        return _bytes(series)
    if isinstance(dtype, pl.List):
        lengths = series.list.len()
        full = series.filter(lengths > 0)
        return [_numbers(lengths.cast(pl.Int64)), column_parts(full.explode()) if len(full) else []]
    if isinstance(dtype, pl.Struct):
        return [[field.name, column_parts(series.struct.field(field.name))] for field in dtype.fields]
    return series.to_list()


def _numbers(series: Any) -> bytes:
    """The hash of the elements of a series of numbers without nulls."""
    hasher = new_hasher("value")
    for chunk in series.get_chunks():
        if not len(chunk):
            continue
        try:
            hasher.update(memoryview(chunk.to_numpy()).cast("B"))
        except ImportError:  # Polars needs NumPy for this, and does without it elsewhere
            hasher.update(memoryview(array(_CODES[str(chunk.dtype)], chunk.to_list())).cast("B"))
    return hasher.digest()


def _texts(series: Any) -> list[Any]:
    hasher = new_hasher("value")
    for start in range(0, len(series), _ROWS):
        hasher.update(series[start : start + _ROWS].str.join("").item().encode())
    return [_numbers(series.str.len_bytes().cast(pl.Int64)), hasher.digest()]


def _bytes(series: Any) -> list[Any]:
    hasher = new_hasher("value")
    for start in range(0, len(series), _ROWS):
        hasher.update(b"".join(series[start : start + _ROWS].to_list()))
    return [_numbers(series.bin.size().cast(pl.Int64)), hasher.digest()]
