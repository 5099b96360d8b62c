"""What other packages can add to redun, and how they are found.

A plugin is an import-light module that a distribution names in the entry-point group `redun`:

    [project.entry-points.redun]
    foo = "redun_executor_foo.plugin"

It declares which version of this contract it speaks, and implements hooks (`redun.plugins.hookspecs`) that return
descriptors (`redun.plugins.descriptors`). Whatever is heavy is named by a `"module:attribute"` string and imported when
it is first used:

    from redun.plugins import ExecutorType, hookimpl

    REDUN_PLUGIN_API = (1, 0)

    @hookimpl
    def redun_register_executors():
        return [
            ExecutorType(
                name="foo",
                factory="redun_executor_foo.executor:FooExecutor",
                settings="redun_executor_foo.settings:FooSettings",
            )
        ]

The public names are imported on first use, so that `redun --help` pays for none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redun.plugins.api_version import REDUN_PLUGIN_API
    from redun.plugins.descriptors import (
        BackendType,
        Command,
        ConfigSection,
        ExecutionInfo,
        ExecutorType,
        FileSystemType,
        JobObserver,
        ValueType,
    )
    from redun.plugins.hookspecs import hookimpl
    from redun.plugins.loader import PluginRecord
    from redun.plugins.manager import Plugins, get_plugins, use_plugins
    from redun.plugins.references import resolve
    from redun.plugins.registries import Registry

__all__ = [
    "REDUN_PLUGIN_API",
    "BackendType",
    "Command",
    "ConfigSection",
    "ExecutionInfo",
    "ExecutorType",
    "FileSystemType",
    "JobObserver",
    "PluginRecord",
    "Plugins",
    "Registry",
    "ValueType",
    "get_plugins",
    "hookimpl",
    "resolve",
    "use_plugins",
]

_HOMES = {
    "REDUN_PLUGIN_API": "api_version",
    "hookimpl": "hookspecs",
    "PluginRecord": "loader",
    "Plugins": "manager",
    "get_plugins": "manager",
    "use_plugins": "manager",
    "Registry": "registries",
    "resolve": "references",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(f"{__name__}.{_HOMES.get(name, 'descriptors')}")
    value = globals()[name] = getattr(home, name)
    return value
