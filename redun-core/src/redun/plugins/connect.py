"""Connecting what plugins bring with the parts below that use it: filesystems with files, value types with values.

Files and values know nothing of plugins: they have registries of their own, which are filled from here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from redun.filesystem_finders import add_filesystem_finder

if TYPE_CHECKING:
    from redun.file import FileSystem
    from redun.plugins.manager import Plugins


def connect_filesystems() -> None:
    """Have the filesystems of plugins found. The plugins are loaded only when a file of an unknown scheme turns up."""
    add_filesystem_finder(find_filesystem)


def find_filesystem(scheme: str) -> FileSystem | None:
    """The filesystem of a plugin for a scheme; None where there is none."""
    # Imported here, because every worker process connects filesystems, and few use one of a plugin.
    from redun.plugins.manager import get_plugins

    kind = get_plugins().filesystems().get(scheme)
    return None if kind is None else _make_filesystem(kind.factory)


@cache
def _make_filesystem(factory: str) -> FileSystem:
    from redun.plugins.references import resolve

    return cast("FileSystem", resolve(factory)())


def connect_value_types(plugins: Plugins) -> None:
    """Have the value types of plugins used for the classes that they name. Nothing is imported until one turns up."""
    from redun.types.protocol import register_value_type

    for kind in plugins.value_types().unambiguous():
        register_value_type(kind.type_name, kind.proxy)
