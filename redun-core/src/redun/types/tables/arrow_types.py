"""PyArrow tables, record batches, arrays and chunked arrays.

Two of them are equal here when they have the same class, type or schema (names, order, nullability and metadata
included) and elements. Chunks, offsets into larger buffers, what stands below a null, and the dictionary of an
unordered dictionary array do not count: Arrow takes them for layout.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from redun.hashing import new_hasher
from redun.types.reductions import Reduction, reduce_instance
from redun.types.tables import stored
from redun.types.tables.table_type import TableType, pickled_as_stored, reduction

_ONLY_COLUMN = "values"


class TableOfArrow(TableType, register=False):
    """Tables."""

    type_name = "pyarrow.Table"

    def _redun_reduction(self) -> Reduction:
        """Schema, number of rows and columns."""
        table = self.instance
        columns = [content(table.column(number)) for number in range(table.num_columns)]
        return reduction(self.type_name, _describe_schema(table.schema), table.num_rows, columns)

    def serialize(self) -> bytes:
        """A stream of Arrow's IPC format."""
        table = self.instance
        shows = f"{table.num_rows} rows, {table.num_columns} columns: {stored.names_shown(table.column_names)}"
        return stored.pack({"format": "arrow", "rows": table.num_rows, "shows": shows}, write_stream(table))

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:  # noqa: ARG003
        """The table that was stored."""
        heading, body = stored.unpack(data)
        table = read_stream(body)
        return table if table.num_columns else _without_columns(table.schema, heading.get("rows", 0))

    def _redun_pickled(self) -> Any:
        """Its stored form: its own pickle holds all of a larger buffer."""
        return pickled_as_stored(self)

    def _redun_private_copy(self) -> Any:
        """The same object: it cannot be changed."""
        return self.instance


class RecordBatchType(TableOfArrow, register=False):
    """Record batches."""

    type_name = "pyarrow.RecordBatch"

    def serialize(self) -> bytes:
        """As a table with one chunk."""
        return TableOfArrow(pa.Table.from_batches([self.instance])).serialize()

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        """The record batch that was stored."""
        table = super().deserialize(raw_type, data)
        if table.num_columns == 0:
            return table.to_batches()[0]
        arrays = [_one_array(column) for column in table.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


class ArrayType(TableOfArrow, register=False):
    """Arrays."""

    type_name = "pyarrow.Array"

    def _redun_reduction(self) -> Reduction:
        """Type and elements."""
        if not type(self.instance).__module__.startswith("pyarrow."):
            return reduce_instance(self.instance)
        return reduction(self.type_name, describe_type(self.instance.type), content(self.instance))

    def serialize(self) -> bytes:
        """As a table with one column."""
        values = self.instance
        table = pa.table({_ONLY_COLUMN: values})
        return stored.pack({"format": "arrow", "shows": f"{values.type}, {len(values)}"}, write_stream(table))

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        """The array that was stored."""
        return _one_array(super().deserialize(raw_type, data).column(0))


class ChunkedArrayType(ArrayType, register=False):
    """Chunked arrays."""

    type_name = "pyarrow.ChunkedArray"

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:
        """The chunked array that was stored, in the chunks that it had."""
        return TableOfArrow.deserialize(raw_type, data).column(0)


def write_stream(table: Any) -> memoryview:
    """A table as a stream of Arrow's IPC format."""
    compression = next((name for name in ("zstd", "lz4") if pa.Codec.is_available(name)), None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def read_stream(data: Any) -> Any:
    """The table in such a stream."""
    # In memory of its own: a table that is read from a buffer keeps all of it.
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        return reader.read_all()


def _without_columns(schema: Any, rows: int) -> Any:
    """A table of nothing but a number of rows, which Arrow's format loses."""
    batch = pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
    return pa.Table.from_batches([batch.replace_schema_metadata(schema.metadata)])


def _one_array(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.array([], column.type) if column.num_chunks == 0 else column.combine_chunks()


def _describe_schema(schema: Any) -> list[Any]:
    return [_metadata(schema), [_describe_field(field) for field in schema]]


def _describe_field(field: Any) -> list[Any]:
    return [field.name, describe_type(field.type), field.nullable, _metadata(field)]


def _metadata(thing: Any) -> list[tuple[bytes, bytes]]:
    return sorted((thing.metadata or {}).items())


def describe_type(arrow_type: Any) -> list[Any]:
    """A type as plain data, with the fields inside it."""
    kind = str(arrow_type)
    if isinstance(arrow_type, pa.ExtensionType):
        serialized = arrow_type.__arrow_ext_serialize__()
        return [arrow_type.extension_name, serialized, describe_type(arrow_type.storage_type)]
    if pa.types.is_dictionary(arrow_type):
        return ["dictionary", arrow_type.ordered, str(arrow_type.index_type), describe_type(arrow_type.value_type)]
    if pa.types.is_map(arrow_type):
        inner = [arrow_type.key_field, arrow_type.item_field]
        return ["map", arrow_type.keys_sorted, *(_describe_field(field) for field in inner)]
    if pa.types.is_nested(arrow_type):
        return [kind, *(_describe_field(arrow_type.field(number)) for number in range(arrow_type.num_fields))]
    return [kind]


# -- content ----------------------------------------------------------------------------------------------------------


def content(values: Any) -> list[Any]:
    """The elements of an array or chunked array as hashes, whatever the chunks."""
    column = _Column(values.type)
    ordered = pa.types.is_dictionary(values.type) and values.type.ordered
    for chunk in values.chunks if isinstance(values, pa.ChunkedArray) else [values]:
        column.add(chunk)
    dictionary = _dictionary(values) if ordered else None
    return [*column.result(), dictionary]


def _dictionary(values: Any) -> Any:
    """The order of an ordered dictionary, which says what is less than what."""
    if isinstance(values, pa.ChunkedArray):
        if values.num_chunks == 0:
            return []
        values = values.unify_dictionaries().chunk(0)
    return content(values.dictionary)


class _Column:
    """Takes the chunks of one column one after the other, and hashes them as if they were one.

    Nulls are a list of positions, and elements what remains without them. So an array without nulls is the same whether
    or not it has room to mark them.
    """

    def __init__(self, arrow_type: Any) -> None:
        self._type = arrow_type
        self._rows = 0
        self._nulls = new_hasher("value")
        self._lengths = new_hasher("value")
        self._data = new_hasher("value")
        self._inner: list[_Column] = []
        self._objects: list[Any] = []
        self._by_items = pa.types.is_nested(arrow_type) and _needs_items(arrow_type)

    def result(self) -> list[Any]:
        """What the column's content consists of, as plain data unless its type is an unusual one."""
        hashes = [self._nulls.digest(), self._lengths.digest(), self._data.digest()]
        return [self._rows, *hashes, [inner.result() for inner in self._inner], self._objects]

    def add(self, array: Any) -> None:
        """Take the next chunk."""
        start = self._rows
        self._rows += len(array)
        if pa.types.is_null(array.type):
            return
        if self._by_items:
            self._objects += array.to_pylist()
            return
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        if pa.types.is_run_end_encoded(array.type):
            array = pc.run_end_decode(array)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
            array = array.cast(pa.large_binary() if pa.types.is_binary_view(array.type) else pa.large_string())
        if array.null_count:
            positions = pc.indices_nonzero(array.is_null()).cast(pa.int64())
            self._nulls.update(_fixed_memory(pc.add(positions, start), 8))
            array = array.drop_null()
        if len(array):
            self._add_elements(array)

    def _add_elements(self, array: Any) -> None:
        kind = array.type
        if pa.types.is_boolean(kind):
            self._data.update(_fixed_memory(array.cast(pa.uint8()), 1))
        elif pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_fixed_size_binary(kind):
            self._data.update(_fixed_memory(array, kind.bit_width // 8))
        elif _is_text(kind):
            self._add_texts(array)
        elif pa.types.is_struct(kind):
            self._add_inner(array.flatten())
        elif pa.types.is_fixed_size_list(kind):
            self._add_inner([array.flatten()])
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            lengths = pc.list_value_length(array).cast(pa.int64())
            self._lengths.update(_fixed_memory(lengths, 8))
            self._add_inner([array.flatten()])
        else:
            self._objects += array.to_pylist()

    def _add_texts(self, array: Any) -> None:
        kind = array.type
        self._lengths.update(_fixed_memory(pc.binary_length(array).cast(pa.int64()), 8))
        is_large = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
        _, offsets, data = array.buffers()
        if data is not None:
            ends = memoryview(offsets).cast("q" if is_large else "i")
            self._data.update(memoryview(data)[ends[array.offset] : ends[array.offset + len(array)]])

    def _add_inner(self, arrays: list[Any]) -> None:
        if not self._inner:
            self._inner = [_Column(array.type) for array in arrays]
        for column, array in zip(self._inner, arrays, strict=True):
            column.add(array)


def _needs_items(kind: Any) -> bool:
    """Whether a type has something inside that Arrow's functions do not handle there."""
    types = pa.types
    if types.is_nested(kind):
        is_odd = types.is_union(kind) or types.is_list_view(kind) or types.is_large_list_view(kind)
        return is_odd or any(_needs_items(kind.field(number).type) for number in range(kind.num_fields))
    if isinstance(kind, pa.ExtensionType):
        return _needs_items(kind.storage_type)
    return bool(types.is_string_view(kind) or types.is_binary_view(kind) or types.is_run_end_encoded(kind))


def _is_text(kind: Any) -> bool:
    types = pa.types
    return bool(
        types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind)
    )


def _fixed_memory(array: Any, width: int) -> memoryview:
    """The bytes of the elements of an array without nulls, all of the same width."""
    buffer = array.buffers()[1]
    if buffer is None or width == 0:
        return memoryview(b"")
    return memoryview(buffer).cast("B")[array.offset * width : (array.offset + len(array)) * width]
