"""Which plugins are installed: the one module that reads the metadata of distributions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from importlib_metadata import Distribution

ENTRY_POINT_GROUP = "redun"
AUTOLOAD_ENV = "REDUN_PLUGIN_AUTOLOAD"
DISABLE_ENV = "REDUN_DISABLE_PLUGINS"


class Origin:
    """The distribution that a plugin comes from.

    Its name and version are read on first use: parsing the metadata of three distributions takes as long as importing
    all their plugins several times over.
    """

    def __init__(self, metadata: Distribution | None = None, name: str = "", version: str = "") -> None:
        self._metadata = metadata
        self._name = name
        self._version = version

    @cached_property
    def name(self) -> str:
        """As published, such as `redun-executor-foo`."""
        return self._name if self._metadata is None else self._metadata.name

    @cached_property
    def version(self) -> str:
        """The installed version."""
        return self._version if self._metadata is None else self._metadata.version

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the group: a plugin's name and the module that is the plugin."""

    name: str
    module: str
    origin: Origin


def installed_entries(environ: Mapping[str, str] = os.environ) -> list[Entry]:
    """The entries of all installed distributions, by name.

    A distribution that is found twice on `sys.path` counts once, where it is found first. Nothing is looked for when
    `REDUN_PLUGIN_AUTOLOAD` is `0`.
    """
    if is_autoload_off(environ):
        return []
    # 20 to 40 ms: imported only by those commands that look for plugins.
    import importlib_metadata

    entries = importlib_metadata.entry_points(group=ENTRY_POINT_GROUP)
    found = [Entry(entry.name, entry.value.strip(), Origin(entry.dist)) for entry in entries]
    return sorted(found, key=lambda entry: (entry.name, entry.module))


def is_autoload_off(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether `REDUN_PLUGIN_AUTOLOAD` leaves out all plugins but the core's own."""
    return environ.get(AUTOLOAD_ENV, "").strip().lower() in ("0", "false", "no", "off")


def disabled_names(environ: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The plugins that `REDUN_DISABLE_PLUGINS` names: plugins or distributions, separated by commas."""
    return frozenset(normalized(name) for name in environ.get(DISABLE_ENV, "").split(",") if name.strip())


def unknown_names(disabled: Iterable[str], entries: Iterable[Entry]) -> list[str]:
    """One message if some of the names to leave out are neither a plugin nor a distribution that could be."""
    disabled = set(disabled)
    if not disabled:
        return []
    found = list(entries)
    unknown = disabled.difference(*({normalized(one.name), normalized(one.origin.name)} for one in found))
    if not unknown:
        return []
    known = ", ".join(dict.fromkeys(one.name for one in found)) or "none"
    return [f"{DISABLE_ENV}: no plugin to leave out is called {', '.join(sorted(unknown))}. There are: {known}."]


def normalized(name: str) -> str:
    """A distribution's or plugin's name in the form in which two spellings of it compare equal."""
    return name.strip().lower().replace("_", "-").replace(".", "-")
