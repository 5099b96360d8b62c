"""pandas data frames, series, indexes and extension arrays.

Two of them are equal here when they have the same class, dtypes, labels, names, order, elements and `attrs`. How blocks
are laid out does not count, nor whether an index is a `RangeIndex`, nor the unused levels of a `MultiIndex`, nor what
stands below a missing value. The order of categories counts even where they are not ordered: codes and groups show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from redun.types import names, pickling
from redun.types.tables import numpy_types, stored
from redun.types.tables.table_type import TableType, copy_by_pickle, pack_pickle, reduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.types.reductions import Reduction


class _PandasType(TableType, register=False):
    """What the proxies of pandas share."""

    def serialize(self) -> bytes:
        """A pickle with a heading: no other format keeps all that pandas has."""
        return pack_pickle(self.instance, shows=self._shown())

    @classmethod
    def deserialize(cls, raw_type: Any, data: bytes) -> Any:  # noqa: ARG003
        """What was stored."""
        return pickling.load(stored.unpack(data)[1])

    def object_columns(self) -> Iterator[list[Any]]:
        """The columns of Python objects, and the attributes."""
        yield from (list(column) for column in self._columns() if column.dtype == object)
        yield list(getattr(self.instance, "attrs", {}).values())

    def _redun_private_copy(self) -> Any:
        """A copy of the data, and of the Python objects in it."""
        if any(column.dtype == object for column in self._columns()):
            return copy_by_pickle(self.instance)
        return self._copy()

    def _copy(self) -> Any:
        return self.instance.copy(deep=True)

    def _columns(self) -> list[Any]:
        return [self.instance]

    def _shown(self) -> str:
        return f"{self.instance.dtype}, {len(self.instance)}"[:200]


class DataFrameType(_PandasType, register=False):
    """Data frames."""

    type_name = "pandas.DataFrame"

    def _redun_reduction(self) -> Reduction:
        """Labels, columns and attributes."""
        frame = self.instance
        columns = [array_parts(column.array) for column in self._columns()]
        labels = [index_parts(frame.columns), index_parts(frame.index)]
        return reduction(self.type_name, *labels, columns, *_extra_parts(frame, pd.DataFrame))

    def _columns(self) -> list[Any]:
        return [column for _, column in self.instance.items()]

    def _shown(self) -> str:
        rows, columns = self.instance.shape
        return f"{rows} rows, {columns} columns: {stored.names_shown(self.instance.columns[:21])}"


class SeriesType(_PandasType, register=False):
    """Series."""

    type_name = "pandas.Series"

    def _redun_reduction(self) -> Reduction:
        """Name, labels, elements and attributes."""
        series = self.instance
        values = [series.name, index_parts(series.index), array_parts(series.array)]
        return reduction(self.type_name, *values, *_extra_parts(series, pd.Series))


class IndexType(_PandasType, register=False):
    """Indexes of all kinds."""

    type_name = "pandas.Index"

    def _redun_reduction(self) -> Reduction:
        """Names and labels."""
        return reduction(self.type_name, index_parts(self.instance))

    def _copy(self) -> Any:
        return self.instance.copy()  # labels cannot be changed, names can


class ExtensionArrayType(_PandasType, register=False):
    """Categoricals and other arrays of pandas' own."""

    type_name = "pandas.api.extensions.ExtensionArray"

    def _redun_reduction(self) -> Reduction:
        """Dtype and elements."""
        return reduction(self.type_name, array_parts(self.instance))

    def _copy(self) -> Any:
        return self.instance.copy()


def _extra_parts(value: Any, base: type) -> list[Any]:
    """What else belongs to a frame or series: `attrs`, a flag, and what a class of a library derived from it adds."""
    cls = type(value)
    own = None
    if cls is not base:
        added = [name for name in cls._metadata if name not in base._metadata]  # type: ignore[attr-defined]
        own = [names.importable_name(cls), {name: getattr(value, name, None) for name in added}]
    return [dict(value.attrs) or None, bool(value.flags.allows_duplicate_labels), own]


def index_parts(index: Any) -> list[Any]:
    """What an index consists of."""
    if isinstance(index, pd.MultiIndex):
        levels = [array_parts(index.get_level_values(number).array) for number in range(index.nlevels)]
        return ["multi", len(index), list(index.names), levels]
    frequency = getattr(index, "freqstr", None)
    return ["index", len(index), index.name, frequency, array_parts(index.array)]


def array_parts(values: Any) -> list[Any]:
    """What the elements of a column consist of."""
    dtype = values.dtype
    if isinstance(values, pd.arrays.NumpyExtensionArray) and dtype.kind in "Oc":
        # There is more than one thing that counts as missing here: None and NaN, NaN with any imaginary part.
        return ["numpy", *numpy_types.parts(np.asarray(values))]
    if isinstance(dtype, pd.CategoricalDtype):
        codes = numpy_types.content(values.codes.astype(np.int64))
        return ["category", bool(dtype.ordered), index_parts(dtype.categories), codes]
    if hasattr(values, "asi8"):  # dates, spans and periods
        zone = getattr(dtype, "tz", None)
        zone_kind = None if zone is None else type(zone).__module__.partition(".")[0]
        return ["time", str(dtype), zone_kind, numpy_types.content(values.asi8)]
    if isinstance(dtype, pd.IntervalDtype):
        ends = [array_parts(values.left.array), array_parts(values.right.array)]
        return ["interval", str(dtype), ends, numpy_types.content(values.isna())]
    if isinstance(dtype, pd.SparseDtype):
        return ["sparse", str(dtype), dtype.fill_value, *numpy_types.parts(np.asarray(values))]
    return _maybe_missing_parts(values, dtype)


def _maybe_missing_parts(values: Any, dtype: Any) -> list[Any]:
    """Arrays that mark what is missing: positions, and the rest without them."""
    is_text = isinstance(dtype, pd.StringDtype)
    kind = ["string", dtype.storage, repr(dtype.na_value)] if is_text else [str(dtype)]
    if isinstance(dtype, pd.ArrowDtype) or (is_text and dtype.storage == "pyarrow"):
        from redun.types.tables import arrow_types

        array = values.__arrow_array__()
        return ["arrow", *kind, arrow_types.describe_type(array.type), arrow_types.content(array)]
    name = names.qualified_name(type(values))
    plain = getattr(dtype, "numpy_dtype", None)
    has_plain = plain is not None and plain.kind != "O"
    if not has_plain and not is_text:
        return ["objects", name, *kind, list(values)]
    is_missing = np.asarray(values.isna())
    missing = numpy_types.content(np.flatnonzero(is_missing).astype(np.int64))
    present = values[~is_missing] if is_missing.any() else values
    if has_plain:
        return ["masked", *kind, len(values), missing, numpy_types.content(present.to_numpy(dtype=plain))]
    return ["objects", name, *kind, len(values), missing, list(present)]
