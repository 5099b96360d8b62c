"""Rows that are damaged: one message that names the row, whatever is wrong with it."""

from __future__ import annotations

import functools
import json
from struct import error as StructError  # noqa: N812 - it is the name of a class
from typing import TYPE_CHECKING, Any, TypeVar

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LATEST = 253_402_300_800
"""When the year 10000 begins, in seconds since 1970."""


def readable(kind: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """For functions whose last argument is a row: raise `BackendError` for one that cannot be read.

    kind: what the row is about.
    """

    def decorate(convert: Callable[..., T]) -> Callable[..., T]:
        @functools.wraps(convert)
        def converted(*arguments: Any) -> T:
            try:
                return convert(*arguments)
            except (ValueError, TypeError, LookupError, StructError) as error:
                raise BackendError(
                    f"{_name(kind, arguments[-1])} in the repository is damaged ({error}). `redun db check` names"
                    " everything that is"
                ) from error

        return converted

    return decorate


def _name(kind: str, row: Any) -> str:
    for column in ("call_hash", "uuid"):
        found = getattr(row, column, None)
        if found and kind != "job":
            return f"the {kind} {found.hex() if isinstance(found, bytes) else found}"
        if found and column == "uuid":
            return f"the job {found}.{row.number}"
    return f"a {kind}"


@readable("tag")
def tag_value(text: str) -> Any:
    """The value of a tag as it stands in its row."""
    return json.loads(text)


def moment(seconds: Any) -> float:
    """A time as it stands in a row. Raises ValueError for what is none."""
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < _LATEST:
        raise ValueError(f"{seconds!r} is no time")
    return seconds
