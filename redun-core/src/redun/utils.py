"""Small functions under the name that workflows import them by. redun itself uses what they are made of."""

from __future__ import annotations

import json
import pickle
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from functools import reduce
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

from redun.nested import iter_leaves as iter_nested_value
from redun.nested import map_leaves as map_nested_value
from redun.nested import merge_dicts as _merge_two
from redun.source import get_func_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "MultiMap",
    "add_import_path",
    "clear_import_paths",
    "format_table",
    "format_timedelta",
    "format_timestamp",
    "get_func_source",
    "get_import_paths",
    "iter_nested_value",
    "json_dumps",
    "map_nested_value",
    "merge_dicts",
    "pickle_dump",
    "pickle_dumps",
    "pickle_loads",
    "str2bool",
    "trim_string",
    "utcnow",
]

K = TypeVar("K")
V = TypeVar("V")

PICKLE_PROTOCOL = 3
"""A fixed one, so that the bytes do not change with the version of Python."""


# -- values -----------------------------------------------------------------------------------------------------------


def merge_dicts(dicts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A new dict with what all of them hold. Later ones win; dicts below the same key are merged as well."""
    nothing: dict[str, Any] = {}
    return reduce(_merge_two, dicts, nothing)


def json_dumps(value: Any) -> str:
    """JSON without spaces and with sorted keys: equal values give equal texts."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def pickle_dumps(obj: Any) -> bytes:
    """A pickle, of a protocol that stays the same."""
    return pickle.dumps(obj, PICKLE_PROTOCOL)


def pickle_dump(obj: Any, file: IO[bytes]) -> None:
    """Write a pickle to a binary stream, of a protocol that stays the same."""
    pickle.dump(obj, file, PICKLE_PROTOCOL)


def pickle_loads(data: bytes) -> Any:
    """What a pickle holds. Whoever wrote it decides what code runs here."""
    return pickle.loads(data)


class MultiMap(Generic[K, V]):
    """A mapping with any number of values for a key, in the order in which they came."""

    def __init__(self, items: Iterable[tuple[K, V] | list[Any]] = ()) -> None:
        self._values: dict[K, list[V]] = {}
        for key, value in items:
            self.add(key, value)

    def add(self, key: K, value: V) -> None:
        """Add a value for a key."""
        self._values.setdefault(key, []).append(value)

    def __getitem__(self, key: K) -> list[V]:
        return list(self._values[key])

    def get(self, key: K, default: Any = ()) -> Any:
        """The values for a key; `default`, which is an empty list where it is not given, if there are none."""
        if key in self._values:
            return self[key]
        return [] if default == () else default

    def has_item(self, key: K, value: V) -> bool:
        """Whether a key has this value."""
        return value in self._values.get(key, ())

    def keys(self) -> Iterator[K]:
        """Each key once."""
        return iter(self._values)

    def values(self) -> Iterator[V]:
        """The values of all keys, key by key."""
        return (value for _, value in self.items())

    def items(self) -> Iterator[tuple[K, V]]:
        """A pair of a key and a value for each value."""
        return ((key, value) for key, values in self._values.items() for value in values)

    def as_dict(self) -> dict[K, list[V]]:
        """The list of values for each key."""
        return {key: list(values) for key, values in self._values.items()}

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self.items()

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return sum(map(len, self._values.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiMap) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]  # it can change, as a dict can

    def __repr__(self) -> str:
        return f"MultiMap({list(self)!r})"


# -- texts ------------------------------------------------------------------------------------------------------------


def trim_string(text: str, max_length: int = 200, ellipsis: str = "...") -> str:
    """A text, cut to at most so many characters, of which the last ones say so.

    Raises `ValueError` where not even these fit.
    """
    if len(text) <= max_length:
        return text
    if max_length < len(ellipsis):
        raise ValueError(f"max_length={max_length} leaves no room for the {len(ellipsis)} characters of {ellipsis!r}")
    return text[: max_length - len(ellipsis)] + ellipsis


def format_table(table: Sequence[Sequence[Any]], justs: str, min_width: int = 0) -> Iterator[str]:
    """The lines of a table: its first row, an empty line, the other rows.

    justs: for each column `l` or `r`, the side that its texts are moved to.
    min_width: of each column, in characters.
    """
    rows = [[str(cell) for cell in row] for row in table]
    widths = [max(min_width, *map(len, column)) for column in zip(*rows, strict=True)]
    for index, row in enumerate(rows):
        cells = zip(row, justs, widths, strict=True)
        yield "  ".join(cell.rjust(width) if side == "r" else cell.ljust(width) for cell, side, width in cells)
        if index == 0:
            yield ""


def format_timestamp(timestamp: datetime, tz: tzinfo | None = None) -> str:
    """`2026-01-31 13:59:00`, in a time zone: that of this machine, if none is given."""
    return f"{timestamp.astimezone(tz):%Y-%m-%d %H:%M:%S}"


def format_timedelta(duration: timedelta) -> str:
    """`1:02:05.50`: hours, minutes, seconds and hundredths."""
    hundredths = duration // timedelta(milliseconds=10)
    minutes, rest = divmod(abs(hundredths), 6000)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02d}:{rest // 100:02d}.{rest % 100:02d}"


def str2bool(text: str) -> bool:
    """`true` or `false`, in any case. Raises `ValueError` for any other text."""
    found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise ValueError(f"{text!r} is no boolean: it should be true or false")
    return found


def utcnow() -> datetime:
    """Now, with the time zone UTC."""
    return datetime.now(UTC)


# -- import paths -----------------------------------------------------------------------------------------------------

_import_paths: list[str] = []


def add_import_path(path: str) -> None:
    """Have modules looked for in a folder first, here and in worker processes, which are sent all of `sys.path`."""
    if path in sys.path:
        sys.path.remove(path)
    sys.path.insert(0, path)
    _import_paths.append(path)


def get_import_paths() -> list[str]:
    """The folders that `add_import_path` was given."""
    return list(_import_paths)


def clear_import_paths() -> None:
    """Forget these folders. They stay on `sys.path`."""
    _import_paths.clear()
