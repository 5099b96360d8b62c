"""Tables of pandas, Polars and PyArrow with a column of every kind."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa


def wide_frame() -> Any:
    """A frame with a column of every kind that pandas has."""
    frame = pd.DataFrame({"i": [1, 2], "f": [1.5, np.nan], "text": ["x", None], "object": [{"a"}, [1]]})
    frame["category"] = pd.Categorical(["u", None], categories=["v", "u"])
    frame["zone"] = pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Paris")
    frame["span"] = pd.to_timedelta([1, 2], unit="s")
    frame["period"] = pd.period_range("2020-01", periods=2, freq="M")
    frame["interval"] = pd.arrays.IntervalArray.from_breaks([0, 1, 2])
    frame["sparse"] = pd.arrays.SparseArray([0, 1])
    for dtype, items in (
        ("Int64", [1, None]),
        ("Float32", [1.5, None]),
        ("boolean", [True, None]),
        ("string[python]", ["x", None]),
        ("string[pyarrow]", ["x", None]),
        ("int8[pyarrow]", [1, None]),
    ):
        frame[dtype] = pd.array(items, dtype=dtype)
    frame.attrs["unit"] = "m"
    return frame


def polars_frame() -> Any:
    """A frame with a column of every kind that Polars has."""
    moment = datetime.datetime(2020, 1, 1, 12)
    return pl.DataFrame(
        {
            "i": [1, None],
            "f": [1.5, float("nan")],
            "text": ["x", None],
            "list": [[1, None], []],
            "nested": [[["a"], []], None],
            "struct": [{"x": 1, "y": ["q"]}, None],
            "date": [moment.date(), None],
            "time": [moment.time(), None],
            "span": [datetime.timedelta(1), None],
            "decimal": [Decimal("1.50"), None],
            "bool": [True, False],
            "bytes": [b"\xff", None],
            "null": [None, None],
            "category": pl.Series(["u", None], dtype=pl.Categorical),
            "enum": pl.Series(["u", None], dtype=pl.Enum(["v", "u"])),
            "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int8, 2)),
            "zone": pl.Series([moment, None], dtype=pl.Datetime("us", "Europe/Paris")),
            "wide": pl.Series([1 << 100, None], dtype=pl.Int128),
        }
    )


def arrow_table() -> Any:
    """A table with a column of every common kind that Arrow has."""
    columns = {
        "i": [1, None, 3],
        "f": pa.array([1.5, 2, None], pa.float16()),
        "text": ["x", None, "zz"],
        "view": pa.array(["x", None, "longer than twelve bytes"], pa.string_view()),
        "bytes": [b"\xff", None, b""],
        "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
        "list": [[1, None], [], None],
        "pair": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
        "struct": [{"x": 1, "y": ["q"]}, None, {"x": None, "y": []}],
        "map": pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int8())),
        "dictionary": pa.array(["x", "y", "x"]).dictionary_encode(),
        "decimal": [Decimal("1.5"), None, Decimal("2.5")],
        "moment": pa.array([1, None, 3], pa.timestamp("us", "Europe/Paris")),
        "null": pa.nulls(3),
        "bool": [True, None, False],
    }
    return pa.table(columns, metadata={"k": "v"})
