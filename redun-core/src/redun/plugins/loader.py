"""Loading plugins one by one, so that a broken one harms nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from redun.plugins import hookspecs
from redun.plugins.api_version import incompatibility
from redun.plugins.discovery import normalized

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from redun.plugins.discovery import Entry, Origin

Status = Literal["loaded", "disabled", "incompatible", "failed"]


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """What became of one installed plugin."""

    name: str
    module: str
    origin: Origin
    status: Status
    error: str | None = None
    """Why it was not loaded, in one line."""

    @property
    def distribution(self) -> str:
        """The distribution that it was installed with."""
        return self.origin.name

    @property
    def version(self) -> str:
        """The version of that distribution."""
        return self.origin.version

    def __str__(self) -> str:
        return f'plugin "{self.name}" ({self.origin})'


def new_plugin_manager() -> pluggy.PluginManager:
    """A pluggy manager that knows the hooks of redun and no plugin yet."""
    manager = pluggy.PluginManager("redun")
    manager.add_hookspecs(hookspecs)
    return manager


def load_plugins(
    manager: pluggy.PluginManager, entries: Iterable[Entry], disabled: frozenset[str] = frozenset()
) -> list[PluginRecord]:
    """Import and register the plugins that the entries name.

    disabled: normalised names of plugins or distributions to leave out.

    Nothing that a plugin does wrong is raised: its record says what it was. A module that several entries name is
    imported and registered once.
    """
    return [_load(manager, entry, disabled) for entry in entries]


def _load(manager: pluggy.PluginManager, entry: Entry, disabled: frozenset[str]) -> PluginRecord:
    if disabled and not disabled.isdisjoint((normalized(entry.name), normalized(entry.origin.name))):
        return PluginRecord(entry.name, entry.module, entry.origin, "disabled")
    if manager.get_plugin(entry.module) is not None:
        return PluginRecord(entry.name, entry.module, entry.origin, "loaded")
    try:
        module = import_module(entry.module)
    except (Exception, SystemExit) as error:
        return PluginRecord(entry.name, entry.module, entry.origin, "failed", one_line(error))
    reason = incompatibility(getattr(module, "REDUN_PLUGIN_API", None))
    if reason is not None:
        return PluginRecord(entry.name, entry.module, entry.origin, "incompatible", reason)
    reason = _hook_mistake(module) or _register(manager, module, entry.module)
    if reason is not None:
        return PluginRecord(entry.name, entry.module, entry.origin, "failed", reason)
    return PluginRecord(entry.name, entry.module, entry.origin, "loaded")


def _hook_mistake(module: ModuleType) -> str | None:
    """The first function of a plugin module that looks like a hook and would never be called, or None."""
    known = [name for name in vars(hookspecs) if name.startswith("redun_")]
    for name, value in vars(module).items():
        if not name.startswith("redun_") or not callable(value):
            continue
        options: dict[str, Any] | None = getattr(value, "redun_impl", None)
        if options is None:
            if name in known:
                return f"{name} is not marked with @hookimpl"
        elif (options.get("specname") or name) not in known and not options.get("optionalhook"):
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            return f"it implements the unknown hook {name}" + (f"; did you mean {near[0]}?" if near else "")
    return None


def _register(manager: pluggy.PluginManager, module: ModuleType, name: str) -> str | None:
    """Register a module, or say why that is not possible, with nothing of it left behind."""
    try:
        manager.register(module, name=name)
    except Exception as error:
        manager.unregister(name=name)
        return one_line(error)
    return None


def one_line(error: BaseException) -> str:
    """An error's type and message in one line."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
