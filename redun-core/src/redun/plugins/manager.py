"""The plugins of this process: loaded when somebody asks, and what they provide."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from redun.errors import PluginError
from redun.plugins.descriptors import BackendType, Command, ConfigSection, ExecutorType, FileSystemType, ValueType
from redun.plugins.discovery import (
    DISABLE_ENV,
    Entry,
    Origin,
    disabled_names,
    installed_entries,
    is_autoload_off,
    normalized,
    unknown_names,
)
from redun.plugins.hints import BACKEND_PACKAGES, EXECUTOR_PACKAGES, install_hint
from redun.plugins.loader import PluginRecord, load_plugins, new_plugin_manager, one_line
from redun.plugins.registries import Provided, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pluggy

    from redun.plugins.descriptors import ExecutionInfo, JobObserver

T = TypeVar("T")

ConfigView = Mapping[str, Mapping[str, str]]

logger = logging.getLogger("redun")


class Plugins:
    """A set of loaded plugins.

    Registries are built on first use and then stay as they are: nothing here asks a plugin once a job.
    """

    def __init__(
        self, manager: pluggy.PluginManager, records: Sequence[PluginRecord], mistakes: Sequence[str] = ()
    ) -> None:
        self._manager = manager
        self.records = tuple(records)
        """What became of every installed plugin, the core's own first."""
        not_loaded = [f"{record} was not loaded: {record.error}" for record in records if record.error is not None]
        self.load_problems = (*mistakes, *not_loaded)
        """What went wrong when they were loaded, in one line each."""
        self._added: set[str] = set()
        self.hook_errors: list[str] = []
        """What went wrong when hooks were called, in one line each."""

    @classmethod
    def load(cls, entries: Iterable[Entry] | None = None, disabled: frozenset[str] | None = None) -> Plugins:
        """Load the core's own plugin and those that are installed.

        entries: load these instead of the installed ones.
        disabled: leave these out instead of those that `REDUN_DISABLE_PLUGINS` names.

        A plugin that cannot be loaded is warned about in one line.
        """
        from redun.version import __version__

        manager = new_plugin_manager()
        # Not by its entry point: the core must find itself even where its metadata is missing.
        core = Entry("core", "redun.plugins.builtin", Origin(name="redun-core", version=__version__))
        records = load_plugins(manager, [core])
        others = [one for one in (installed_entries() if entries is None else entries) if one.module != core.module]
        left_out = disabled_names() if disabled is None else disabled
        records += load_plugins(manager, others, left_out)
        # With autoload off none of the names is known, and all that they stand for is left out anyway.
        unknown = [] if entries is None and is_autoload_off() else unknown_names(left_out, others)
        plugins = cls(manager, records, unknown)
        for message in plugins.load_problems:
            logger.warning("%s", message)
        return plugins

    # -- registries ---------------------------------------------------------------------------------------------------

    def executor_types(self) -> Registry[ExecutorType]:
        """The kinds of executors, by type name."""
        return self._executor_types

    def backend_types(self) -> Registry[BackendType]:
        """The kinds of repositories, by name."""
        return self._backend_types

    def backend_schemes(self) -> Registry[BackendType]:
        """The kinds of repositories, by the schemes of `db_uri` that they serve."""
        return self._backend_schemes

    def config_sections(self) -> Registry[ConfigSection]:
        """The sections of `redun.ini`, by name or `prefix.*`."""
        return self._config_sections

    def commands(self) -> Registry[Command]:
        """The sub-commands that plugins add, by name."""
        return self._commands

    def filesystems(self) -> Registry[FileSystemType]:
        """The filesystems, by URL scheme."""
        return self._filesystems

    def value_types(self) -> Registry[ValueType]:
        """The value types, by the qualified name of the Python type."""
        return self._value_types

    def executor_type(self, name: str) -> ExecutorType:
        """The executor type of this name.

        Raises `PluginError` when nobody provides it, which says what to install where that is known, or when two
        distributions do.
        """
        types = self.executor_types()
        if name not in types:
            raise PluginError(self._missing(name, EXECUTOR_PACKAGES, types))
        return types[name]

    def add_executor_type(self, kind: ExecutorType) -> None:
        """Add an executor type that the program itself brings, in place of an earlier one of this name that it brought.

        Raises `PluginError` when an installed plugin provides the name.
        """
        types = self._executor_types
        if kind.name in types and kind.name not in self._added:
            origins = " and ".join(str(one.origin) for one in types.providers(kind.name))
            raise PluginError(f'executor type "{kind.name}" is provided by {origins} already: choose another name')
        self._added.add(kind.name)
        others = [one for name in types if name != kind.name for one in types.providers(name)]
        provided = [*others, Provided(kind, Origin(name="this program"))]
        self._executor_types = Registry("executor type", provided, lambda one: (one.name,))

    def backend_for_scheme(self, scheme: str) -> BackendType:
        """The backend type that serves this scheme of `db_uri`. Raises `PluginError` as `executor_type` does."""
        schemes = self.backend_schemes()
        if scheme not in schemes:
            raise PluginError(self._missing(scheme, BACKEND_PACKAGES, schemes))
        return schemes[scheme]

    def conflicts(self) -> list[str]:
        """One message for each name that more than one distribution provides."""
        return [conflict for registry in self._registries() for conflict in registry.conflicts()]

    def problems(self) -> list[str]:
        """Everything that is wrong with the installed plugins, one line each: conflicts last."""
        # Building the registries is what finds the errors of hooks.
        conflicts = self.conflicts()
        return [*self.load_problems, *self.hook_errors, *conflicts]

    def provided_by(self, record: PluginRecord) -> dict[str, list[str]]:
        """The names that a plugin provides, by the word for what they are."""
        found = {}
        for registry in self._registries():
            names = [name for name in registry if any(one.origin is record.origin for one in registry.providers(name))]
            if names:
                found[registry.kind] = names
        return found

    def _registries(self) -> list[Registry[Any]]:
        return [
            self.executor_types(),
            self.backend_types(),
            self.config_sections(),
            self.commands(),
            self.filesystems(),
            self.value_types(),
            self.backend_schemes(),
        ]

    def how_to_get(self, package: str | None) -> str:
        """What to do to have the plugin of a package of ours, as a sentence after a space; nothing for None.

        That is to install it, unless it is installed and was left out, or could not be loaded.
        """
        if package is None:
            return ""
        for record in self.records:
            if normalized(record.distribution) == package and record.status == "disabled":
                return f" {package} is installed, but {DISABLE_ENV} leaves it out."
            if normalized(record.distribution) == package:
                return ""
        return install_hint(package)

    def _missing(self, name: str, packages: Mapping[str, str], known: Iterable[str]) -> str:
        from redun.config.nearest import nearest

        installed = list(known)
        meant = None if name in packages else nearest(name, [*packages, *installed])
        package = None if meant in installed else packages.get(meant or name)
        did_you_mean = f"; did you mean {meant}?" if meant else "."
        message = f"no installed plugin provides it{did_you_mean}{self.how_to_get(package)}"
        message += f" Installed: {', '.join(installed)}."
        for record in self._may_provide(name, package):
            message += f" Not loaded: {record}: {record.error or f'disabled by {DISABLE_ENV}'}."
        return message

    def _may_provide(self, name: str, package: str | None) -> list[PluginRecord]:
        """The plugins that were not loaded and would perhaps have provided a name; package: which of ours does."""
        if package is not None:
            return [one for one in self.records if one.error is not None and normalized(one.distribution) == package]
        broken = [one for one in self.records if one.status != "loaded"]
        # By convention an entry has the name of what it provides: that one, or all, since any of them might.
        return [one for one in broken if one.name == name] or broken

    @cached_property
    def _executor_types(self) -> Registry[ExecutorType]:
        return self._registry("executor type", "redun_register_executors", ExecutorType, lambda one: (one.name,))

    @cached_property
    def _backend_types(self) -> Registry[BackendType]:
        return self._registry("backend", "redun_register_backends", BackendType, lambda one: (one.name,))

    @cached_property
    def _backend_schemes(self) -> Registry[BackendType]:
        types = self._backend_types
        provided = [one for name in types for one in types.providers(name)]
        return Registry("db_uri scheme", provided, lambda one: one.schemes)

    @cached_property
    def _config_sections(self) -> Registry[ConfigSection]:
        return self._registry("section", "redun_register_config_sections", ConfigSection, lambda one: (one.name,))

    @cached_property
    def _commands(self) -> Registry[Command]:
        return self._registry("command", "redun_register_commands", Command, lambda one: (one.name,))

    @cached_property
    def _filesystems(self) -> Registry[FileSystemType]:
        return self._registry("filesystem", "redun_register_filesystems", FileSystemType, lambda one: one.schemes)

    @cached_property
    def _value_types(self) -> Registry[ValueType]:
        return self._registry("value type", "redun_register_value_types", ValueType, lambda one: (one.type_name,))

    def _registry(
        self, kind: str, hook: str, descriptor: type[T], names_of: Callable[[T], Iterable[str]]
    ) -> Registry[T]:
        provided = []
        for origin, result in self._call_each(hook):
            wrong = [one for one in _as_list(result) if not isinstance(one, descriptor)]
            if wrong:
                self._hook_failed(origin, hook, f"it returned {wrong[0]!r}, which is no {descriptor.__name__}")
                continue
            provided += [Provided(one, origin) for one in _as_list(result)]
        return Registry(kind, provided, names_of)

    # -- hooks that are called during a command -----------------------------------------------------------------------

    def resolve_secret(self, name: str, config: ConfigView) -> Mapping[str, str]:
        """The fields of a named secret, from the first plugin that has it.

        Raises `PluginError` when no plugin has it, and what a plugin raises when it should have it.
        """
        fields = self._manager.hook.redun_resolve_secret(name=name, config=config)
        if fields is None:
            raise PluginError(f'no installed plugin resolves the secret "{name}".{self.how_to_get("redun-aws")}')
        result: Mapping[str, str] = fields
        return result

    def execution_tags(self, config: ConfigView, time_limit: float = 2.0) -> dict[str, Any]:
        """The tags that plugins give to an execution.

        time_limit: seconds, after which those that have not answered are left out.
        """
        if not self._manager.hook.redun_execution_tags.get_hookimpls():
            return {}
        tags: dict[str, Any] = {}

        def collect() -> None:
            for _, result in self._call_each("redun_execution_tags", config=config):
                tags.update(result)

        # A daemon, so that a plugin that hangs cannot keep the process alive.
        thread = threading.Thread(target=collect, name="redun-execution-tags", daemon=True)
        thread.start()
        thread.join(time_limit)
        return dict(tags)

    def job_observers(self, config: ConfigView, execution: ExecutionInfo) -> tuple[JobObserver, ...]:
        """The observers that plugins want to be told about an execution."""
        results = self._call_each("redun_job_observers", config=config, execution=execution)
        return tuple(observer for _, result in results for observer in _as_list(result))

    def render_value(self, value: Any) -> str | None:
        """How plugins show a value to a person, or None when none of them has a view of it."""
        for _, result in self._call_each("redun_render_value", value=value):
            if isinstance(result, str):
                return result
        return None

    def _call_each(self, hook: str, **arguments: Any) -> Iterator[tuple[Origin, Any]]:
        """The result of each plugin that implements a hook. One that raises is warned about and left out."""
        plugins = self._manager.get_plugins()
        caller = getattr(self._manager.hook, hook)
        first_result = caller.spec is not None and caller.spec.opts.get("firstresult", False)
        implementing = {implementation.plugin_name for implementation in caller.get_hookimpls()}
        origins: dict[str, Origin] = {}
        for record in self.records:
            origins.setdefault(record.module, record.origin)
        for module, origin in origins.items():
            if module not in implementing:
                continue
            alone = self._manager.subset_hook_caller(hook, plugins - {self._manager.get_plugin(module)})
            try:
                result = alone(**arguments)
            except Exception as error:
                self._hook_failed(origin, hook, one_line(error))
                continue
            # pluggy leaves out results that are None, and returns a list unless the hook stops at the first result.
            for one in [result] if first_result else result:
                yield origin, one

    def _hook_failed(self, origin: Origin, hook: str, reason: str) -> None:
        message = f"{hook} of {origin} failed: {reason}"
        self.hook_errors.append(message)
        logger.warning("%s", message)


def _as_list(result: Any) -> list[Any]:
    if result is None:
        return []
    return list(result) if isinstance(result, list | tuple) else [result]


_process_plugins: Plugins | None = None
# Reentrant: a plugin module that asks for the plugins while it is imported must not wait for itself.
_lock = threading.RLock()


def get_plugins() -> Plugins:
    """The plugins of this process, loaded at the first call."""
    global _process_plugins
    if _process_plugins is None:
        with _lock:
            if _process_plugins is None:
                _process_plugins = Plugins.load()
    return _process_plugins


@contextmanager
def use_plugins(plugins: Plugins) -> Iterator[Plugins]:
    """Let the process use these plugins for a while: for tests."""
    global _process_plugins
    before = _process_plugins
    _process_plugins = plugins
    try:
        yield plugins
    finally:
        _process_plugins = before
