"""Tables and columns of pandas, Polars and PyArrow as values."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redun import File
from redun.errors import InvalidValueError
from redun.executors.transport import Returned, decode_outcome, encode_call, run_encoded_call
from redun.scheduler.private import private_copy
from redun.testing import tasks
from redun.testing.task_calls import make_call
from redun.value import decode, encode, hash_value, is_valid

np = pytest.importorskip("numpy", reason="needs numpy: pip install numpy")
pd = pytest.importorskip("pandas", reason="needs pandas: pip install pandas")
pl = pytest.importorskip("polars", reason="needs polars: pip install polars")
pa = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install pyarrow")
hypothesis_pandas = pytest.importorskip("hypothesis.extra.pandas")
from value_tables import arrow_table, polars_frame, wide_frame  # noqa: E402 - needs all of these

examples = settings(deadline=datetime.timedelta(seconds=20), suppress_health_check=list(HealthCheck))


def back(value: Any) -> Any:
    encoded = encode(value)
    return decode(encoded.codec, encoded.data, encoded.type_name)


def returns(value: Any) -> Any:
    """What comes back, after a look at its class and hash, alone and in a container."""
    made = back(value)
    assert type(made) is type(value)
    assert hash_value(made) == hash_value(value) == encode(value).hash
    assert hash_value(back({"k": [value]})) == hash_value({"k": [value]})
    return made


def all_differ(*values: Any) -> None:
    assert len({hash_value(value) for value in values}) == len(values)


def all_same(*values: Any) -> None:
    assert len({hash_value(value) for value in values}) == 1


# -- pandas -----------------------------------------------------------------------------------------------------------

column = hypothesis_pandas.column
pandas_frames = hypothesis_pandas.data_frames(
    [
        column("i", dtype="i8"),
        column("f", dtype="f8"),
        column("t", elements=st.text(max_size=5)),
        column("d", dtype="M8[ns]"),
        column("b", dtype=bool),
    ],
    index=hypothesis_pandas.range_indexes(max_size=6),
)


@examples
@given(pandas_frames)
def test_a_pandas_frame_comes_back_as_it_was(frame: Any) -> None:
    pd.testing.assert_frame_equal(returns(frame), frame)
    for name in frame:
        pd.testing.assert_series_equal(returns(frame[name]), frame[name])


@examples
@given(pandas_frames, st.integers(0, 4))
def test_the_layout_of_a_pandas_frame_is_no_content(frame: Any, number: int) -> None:
    doubled = pd.concat([frame, frame])
    one_by_one = pd.DataFrame(index=pd.Index(list(frame.index), dtype="i8"))
    for name in frame:
        one_by_one[name] = frame[name].to_numpy(copy=True) if name != "t" else frame[name].copy()
    one_by_one.columns = frame.columns
    all_same(frame, frame.copy(), doubled.iloc[: len(frame)], doubled.iloc[len(frame) :], one_by_one)
    if len(frame):
        name = frame.columns[number]
        changed = frame.copy()
        changed[name] = changed[name].shift(1)
        assert (hash_value(changed) == hash_value(frame)) == (
            changed[name].equals(frame[name]) and _same(changed, frame)
        )


def _same(one: Any, other: Any) -> bool:
    # Their texts tell -0.0 from 0.0, and no NaN from another one.
    return bool((one.dtypes == other.dtypes).all()) and list(map(repr, one["f"])) == list(map(repr, other["f"]))


def test_every_kind_of_pandas_column_comes_back() -> None:
    frame = wide_frame()
    made = returns(frame)
    pd.testing.assert_frame_equal(made, frame)
    assert made.attrs == {"unit": "m"}
    for name in frame:
        pd.testing.assert_series_equal(returns(frame[name]), frame[name])
        returns(frame[name].array)
    returns(frame.set_index(["i", "category"]))
    returns(frame.T)
    returns(frame[:0])
    all_same(frame, pd.concat([frame, frame])[:2].assign(), frame.copy())


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3, name="n"),
        pd.Index(["a", "b"]),
        pd.date_range("2020", periods=3, tz="UTC"),
        pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
        pd.CategoricalIndex(["a", "b"]),
        pd.interval_range(0, 3),
        pd.period_range("2020", periods=2, freq="D"),
        pd.Index([], dtype=object),
    ],
    ids=lambda index: type(index).__name__,
)
def test_every_kind_of_pandas_index_comes_back(index: Any) -> None:
    pd.testing.assert_index_equal(returns(index), index)
    frame = pd.DataFrame(np.zeros((2, len(index))), columns=index)
    pd.testing.assert_frame_equal(returns(frame), frame)


def test_what_is_content_of_a_pandas_frame() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    with_attrs = frame.copy()
    with_attrs.attrs["k"] = 1
    all_differ(
        frame,
        frame[["b", "a"]],
        frame[::-1],
        frame.reset_index(),
        frame.rename(columns={"a": "c"}),
        frame.rename_axis("n"),
        frame.set_index("a"),
        frame.set_axis(["x", "y"]),
        frame.astype({"a": "i4"}),
        frame.astype({"a": "Int64"}),
        frame.astype({"a": "category"}),
        frame.set_flags(allows_duplicate_labels=False),
        with_attrs,
        frame.iloc[:, :0],
        frame[:0],
        frame["a"],
        frame["a"].rename("b"),
        frame["a"].array,
        frame.to_numpy(),
        frame.to_dict("list"),
    )


def test_what_is_no_content_of_a_pandas_frame() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    all_same(frame, frame.set_axis(pd.Index([0, 1])))
    multi = pd.MultiIndex.from_product([["x", "y"], [1, 2]])
    all_same(pd.Series([1, 2], multi[:2]), pd.Series([1, 2], multi[:2].remove_unused_levels()))
    hidden = pd.arrays.IntegerArray(np.array([1, 77]), np.array([False, True]))
    all_same(pd.array([1, None], dtype="Int64"), hidden)


def test_each_kind_of_missing_value_among_python_objects_in_pandas_is_content() -> None:
    kinds = [None, np.nan, pd.NA, pd.NaT, Decimal("NaN")]
    for make in (pd.Series, pd.Index, lambda items, dtype: pd.DataFrame({"a": items}, dtype=dtype)):
        all_differ(*(make([kind, "x"], dtype=object) for kind in kinds))
    all_differ(pd.Series([complex(np.nan, 1)]), pd.Series([complex(np.nan, 2)]), pd.Series([complex(1, np.nan)]))
    all_same(pd.Series([np.nan]), pd.Series([-np.float64(np.nan)]))


def test_the_order_of_pandas_categories_is_content() -> None:
    kinds = [("ab", False), ("ba", False), ("abc", False), ("ab", True)]
    all_differ(*(pd.Categorical(["a", "b"], categories=list(names), ordered=ordered) for names, ordered in kinds))


def test_files_in_a_pandas_column_are_children_and_asked_whether_they_hold(tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    frame = pd.DataFrame({"file": [File(str(path)), None]})
    assert [child.path for child in encode([frame]).children] == [str(path)]
    assert is_valid(back([frame]))
    with_attribute = pd.DataFrame({"a": [1]})
    with_attribute.attrs["from"] = File(str(path))
    assert is_valid(back([with_attribute]))
    path.unlink()
    assert not is_valid(back([frame]))
    assert not is_valid(back([with_attribute]))


class Derived(pd.DataFrame):
    _metadata = ["unit"]  # noqa: RUF012 - as pandas wants it

    @property
    def _constructor(self) -> Any:
        return Derived


def test_a_class_derived_from_a_pandas_frame_comes_back_with_what_it_adds() -> None:
    frame = Derived({"a": [1]})
    frame.unit = "m"
    assert returns(frame).unit == "m"
    other = Derived({"a": [1]})
    other.unit = "km"
    all_differ(frame, other, pd.DataFrame({"a": [1]}))


# -- Polars -----------------------------------------------------------------------------------------------------------


polars_columns = st.lists(
    st.one_of(
        st.lists(st.none() | st.integers(-(1 << 63), (1 << 63) - 1), min_size=4, max_size=4),
        st.lists(st.none() | st.floats(), min_size=4, max_size=4),
        st.lists(st.none() | st.text(max_size=20), min_size=4, max_size=4),
        st.lists(st.none() | st.binary(max_size=20), min_size=4, max_size=4),
        st.lists(st.none() | st.booleans(), min_size=4, max_size=4),
        st.lists(st.none() | st.lists(st.none() | st.text(max_size=3), max_size=3), min_size=4, max_size=4),
        st.lists(st.datetimes(datetime.datetime(1800, 1, 1), datetime.datetime(2200, 1, 1)), min_size=4, max_size=4),
    ),
    min_size=1,
    max_size=4,
)


@examples
@given(polars_columns)
def test_a_polars_frame_comes_back_and_its_chunks_are_no_content(columns: Any) -> None:
    frame = pl.DataFrame({f"c{number}": column for number, column in enumerate(columns)}, strict=False)
    assert returns(frame).equals(frame)
    chunked = pl.concat([frame[:1], frame[1:3], frame[3:]], rechunk=False)
    all_same(frame, chunked, pl.concat([frame, frame])[4:], chunked.rechunk())
    for number, series in enumerate(frame.get_columns()):
        assert returns(series).equals(series)
        changed = series.shift(1)
        is_same = hash_value(changed.to_list()) == hash_value(series.to_list())
        assert (hash_value(changed) == hash_value(series)) == is_same, number


def test_every_kind_of_polars_column_comes_back() -> None:
    frame = polars_frame()
    made = returns(frame)
    assert made.equals(frame)
    assert made.schema == frame.schema
    for series in frame.get_columns():
        returns(series)
    returns(frame[:0])
    returns(pl.DataFrame())
    all_same(frame, pl.concat([frame[:1], frame[1:]], rechunk=False))


def test_what_is_content_of_a_polars_frame() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    all_differ(
        frame,
        frame[::-1],
        frame[["b", "a"]],
        frame.rename({"a": "c"}),
        frame.cast({"a": pl.Int32}),
        frame.cast({"b": pl.Categorical}),
        frame.cast({"b": pl.Enum(["x", "y"])}),
        frame.cast({"b": pl.Enum(["y", "x"])}),
        frame[:1],
        frame["a"],
        frame["a"].rename("b"),
        frame.to_dict(as_series=False),
        frame.to_pandas(),
        frame.to_arrow(),
    )
    all_differ(
        pl.Series([[1], [2, 3]]), pl.Series([[1, 2], [3]]), pl.Series([[1, 2, 3], []]), pl.Series([["1"], ["2"]])
    )
    all_differ(pl.Series(["ab", "c"]), pl.Series(["a", "bc"]), pl.Series(["abc", None]), pl.Series(["abc", ""]))


def test_python_objects_in_a_polars_column_come_back() -> None:
    frame = pl.DataFrame({"a": [1, 2]}).with_columns(pl.Series("o", [{"x"}, None], dtype=pl.Object))
    made = returns(frame.select("o", "a"))
    assert made.columns == ["o", "a"]
    assert made["o"].to_list() == [{"x"}, None]


def test_nothing_but_python_objects_in_polars_comes_back() -> None:
    series = pl.Series("o", [{"x"}, None], dtype=pl.Object)
    assert returns(series).to_list() == [{"x"}, None]
    assert returns(series.to_frame()).to_dicts() == [{"o": {"x"}}, {"o": None}]
    assert private_copy(series, encode(series)).to_list() == [{"x"}, None]


def test_python_objects_in_polars_go_to_another_process_and_back() -> None:
    series = pl.Series("o", [{"x"}, None], dtype=pl.Object)
    call = make_call(1, tasks.echo, {"k": [series]})
    outcome = decode_outcome("echo", run_encoded_call(encode_call(call)))
    assert isinstance(outcome, Returned)
    assert outcome.value["k"][0].to_list() == [{"x"}, None]


@pytest.mark.parametrize("wrap", [lambda query: query, lambda query: {"k": [query]}])
def test_a_query_of_polars_is_refused_with_what_to_do(wrap: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"LazyFrame is a query.*collect\(\)"):
        encode(wrap(pl.DataFrame({"a": [1]}).lazy()))


# -- PyArrow ----------------------------------------------------------------------------------------------------------


def test_every_kind_of_arrow_value_comes_back() -> None:
    table = arrow_table()
    assert returns(table).equals(table, check_metadata=True)
    for name in table.column_names:
        assert returns(table[name]).equals(table[name])
        returns(table[name].chunk(0))
    returns(table.to_batches()[0])
    returns(table.slice(1, 1))
    returns(table[:0])
    returns(table.select([]))
    returns(pa.chunked_array([], pa.int8()))
    returns(pa.array([]))


def test_chunks_and_larger_buffers_are_no_content_of_arrow_values() -> None:
    table = arrow_table()
    long = pa.concat_tables([table] * 3)
    all_same(table, long.slice(3, 3), long.combine_chunks().slice(3, 3))
    all_same(long, long.combine_chunks(), pa.concat_tables([long[:2], long[2:]]))
    for name in table.column_names:
        column = long[name]
        all_same(
            column,
            pa.chunked_array([column.combine_chunks()]),
            pa.chunked_array([column[:4].combine_chunks(), column[4:].combine_chunks()]),
        )
        all_same(table[name].chunk(0), long[name].combine_chunks().slice(6, 3))
    assert len(encode(pa.array(range(1_000_000)).slice(5, 3)).data) < 1000
    assert len(encode([pa.array(range(1_000_000)).slice(5, 3)]).data) < 1000


def test_what_is_below_a_null_and_how_a_dictionary_is_made_is_no_content() -> None:
    shown = pa.array([1, None, 3])
    hidden = pa.Array.from_buffers(pa.int64(), 3, [shown.buffers()[0], pa.py_buffer(np.array([1, 77, 3]))])
    all_same(shown, hidden)
    indices, words = pa.array([0, 1]), pa.array(["x", "y"])
    other = pa.DictionaryArray.from_arrays(pa.array([2, 0]), pa.array(["y", "unused", "x"]))
    all_same(pa.DictionaryArray.from_arrays(indices, words), other)
    ordered = [pa.DictionaryArray.from_arrays(indices, words, ordered=True)]
    ordered.append(pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array(["y", "x"]), ordered=True))
    all_differ(*ordered, other)


def test_what_is_content_of_an_arrow_value() -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    all_differ(
        table,
        table.to_batches()[0],
        table.select(["b", "a"]),
        table.rename_columns(["a", "c"]),
        table.replace_schema_metadata({"k": "v"}),
        table.cast(pa.schema([("a", pa.int32()), ("b", pa.string())])),
        table.cast(pa.schema([("a", pa.int64()), ("b", pa.large_string())])),
        table.cast(pa.schema([pa.field("a", pa.int64(), nullable=False), ("b", pa.string())])),
        table.take([1, 0]),
        table[:1],
        table["a"],
        table["a"].chunk(0),
        pa.array([1, None]),
        pa.array([None, 1]),
        pa.array([[1], [2, 3]]),
        pa.array([[1, 2], [3]]),
        pa.array(["ab", "c"]),
        pa.array(["a", "bc"]),
    )


# -- all of them ------------------------------------------------------------------------------------------------------


def test_hashes_are_the_same_in_another_process() -> None:
    expected = [hash_value(value).hex() for value in (wide_frame(), polars_frame(), arrow_table())]
    code = (
        "from redun.value import hash_value; from value_tables import arrow_table, polars_frame, wide_frame; "
        "print([hash_value(value).hex() for value in (wide_frame(), polars_frame(), arrow_table())])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert result.stdout == f"{expected}\n", result.stderr
