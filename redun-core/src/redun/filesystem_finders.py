"""Who else is asked for the filesystem of a scheme.

Apart from `redun.file`, so that plugins can be connected with files by a run that has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from redun.file.filesystem import FileSystem

filesystem_finders: list[Callable[[str], FileSystem | None]] = []


def add_filesystem_finder(find: Callable[[str], FileSystem | None]) -> None:
    """Have a function asked for the filesystem of a scheme that nothing is registered for, before fsspec is tried."""
    if find not in filesystem_finders:
        filesystem_finders.append(find)
