"""What a task does in place to an array or a table is its own affair, whatever its size."""

from __future__ import annotations

from typing import Any

import pytest
from redun import Scheduler, task
from redun.scheduler.private import LARGEST_COPIED, private_copy
from redun.value import decode, encode, hash_value

np = pytest.importorskip("numpy", reason="needs numpy: pip install numpy")
pd = pytest.importorskip("pandas", reason="needs pandas: pip install pandas")
pl = pytest.importorskip("polars", reason="needs polars: pip install polars")

redun_namespace = "test_value_private"

SMALL, LARGE = 3, LARGEST_COPIED // 4
assert np.zeros(LARGE).nbytes > LARGEST_COPIED


def make_value(kind: str, size: int) -> Any:
    # Not compressible, so that the stored form is as large as the value.
    numbers = np.random.default_rng(1).random(size)
    return {
        "array": lambda: numbers,
        "fortran": lambda: np.asfortranarray(numbers[: size - size % 3].reshape(3, -1)),
        "objects": lambda: np.array([[0], *numbers[1:].tolist()], dtype=object),
        "records": lambda: np.array(list(zip(numbers[:9], range(9), strict=False)), dtype=[("a", "f8"), ("b", "i8")]),
        "list": lambda: [numbers],
        "dict": lambda: {"k": ("x", numbers)},
        "frame": lambda: pd.DataFrame({"a": numbers, "b": range(size)}),
        "text frame": lambda: pd.DataFrame({"a": numbers[:90_000], "b": [["x"] for _ in numbers[:90_000]]}),
        "series": lambda: pd.Series(numbers),
        "list of frames": lambda: [pd.DataFrame({"a": numbers})],
        "polars": lambda: pl.DataFrame({"a": numbers}),
    }[kind]()


def spoil(value: Any) -> None:
    """Change a value in place."""
    if isinstance(value, list):
        spoil(value[0])
    elif isinstance(value, dict):
        spoil(value["k"][1])
    elif isinstance(value, pd.DataFrame):
        if "b" in value and value["b"].dtype == object:
            value["b"].iloc[0].append("changed")
        value.loc[0, "a"] = -1
    elif isinstance(value, pd.Series):
        value.iloc[0] = -1
    elif isinstance(value, pl.DataFrame):
        value[0, "a"] = -1
    elif value.dtype == object:
        value[0].append(-1)
    else:
        value[...] = -1 if value.dtype.names is None else (-1, -1)


@task
def make(kind: str, size: int) -> Any:
    return make_value(kind, size)


@task
def spoiled(value: Any) -> int:
    spoil(value)
    return 1


@task
def hash_after(value: Any, after: Any) -> str:
    return hash_value(value).hex()


@task
def both(kind: str, size: int) -> Any:
    value = make(kind, size)
    return [hash_after(value, spoiled(value)), value]


KINDS = "array|fortran|objects|records|list|dict|frame|text frame|series|list of frames|polars"
CASES = [(kind, size) for kind in KINDS.split("|") for size in (SMALL * 3, LARGE)]


@pytest.mark.parametrize(("kind", "size"), CASES)
def test_a_task_cannot_change_an_array_or_table_of_another(scheduler: Scheduler, kind: str, size: int) -> None:
    expected = hash_value(make_value(kind, size)).hex()
    found, value = scheduler.run(both(kind, size))
    assert found == expected
    assert hash_value(value).hex() == expected
    again, recorded = scheduler.run(both(kind, size))
    assert again == expected
    assert hash_value(recorded).hex() == expected


kept: list[Any] = []


@task
def returns_what_it_keeps(size: int) -> Any:
    kept.append(np.arange(size, dtype="f8"))
    return kept[-1]


@task
def changes_what_it_kept(value: Any) -> int:
    kept[-1][...] = -1
    return 1


@task
def keeps(size: int) -> Any:
    value = returns_what_it_keeps(size)
    return [changes_what_it_kept(value), value]


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_task_cannot_change_an_array_that_it_has_returned(scheduler: Scheduler, size: int) -> None:
    kept.clear()
    assert scheduler.run(keeps(size))[1].tolist() == list(range(size))


@pytest.mark.parametrize(("kind", "size"), CASES)
def test_a_private_copy_is_equal_and_shares_nothing(kind: str, size: int) -> None:
    value = make_value(kind, size)
    encoded = encode(value)
    copied = private_copy(value, encoded)
    assert hash_value(copied) == encoded.hash
    spoil(copied)
    assert hash_value(copied) != encoded.hash == hash_value(value)
    assert hash_value(decode(encoded.codec, encoded.data, encoded.type_name)) == encoded.hash


def test_what_cannot_be_changed_is_not_copied() -> None:
    table = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install pyarrow").table({"a": [1]})
    for value in (table, np.float64(1)):
        assert private_copy(value, encode(value)) is value
