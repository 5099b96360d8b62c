"""The configuration as users' code sees it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from redun.config.parser import DEFAULT_SECTION, RedunConfigParser
from redun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, Mapping
    from configparser import SectionProxy

T = TypeVar("T")


class Config:
    """A redun configuration.

    Sections are looked up by name, `config["scheduler"]`, and dotted names nest: `[executors.batch]` is
    `config["executors"]["batch"]`. A section is a `configparser.SectionProxy`: a mapping of option names to texts, with
    `get`, `getint`, `getfloat` and `getboolean`.
    """

    def __init__(
        self, config_dict: Mapping[str, Mapping[str, Any]] | None = None, configdir: str | Path | None = None
    ) -> None:
        """Make a configuration of options by section name, such as `{"executors.default": {"type": "local"}}`.

        configdir: the folder that relative paths in the configuration are relative to; the working directory when None.
        """
        self.parser = RedunConfigParser()
        self.configdir = str(configdir) if configdir is not None else str(Path.cwd())
        self.warned: set[str] = set()
        """The warnings about this configuration that have been logged."""
        self._sections: dict[str, Any] = {}
        if config_dict:
            self.read_dict(config_dict)

    # -- reading ------------------------------------------------------------------------------------------------------

    def read_string(self, text: str, source: str = "<string>") -> None:
        """Add the sections of an INI text. Raises `ConfigError` when its syntax is wrong.

        source: what the text is called in messages.
        """
        self.parser.read_text(text, source)
        self._sections = self._nest()

    def read_path(self, path: str | Path) -> None:
        """Add the sections of an INI file. Raises `ConfigError` when it cannot be read or its syntax is wrong."""
        self.read_string(_read_file(str(path)), str(path))

    def read_dict(self, config_dict: Mapping[str, Mapping[str, Any]]) -> None:
        """Add sections given as options by section name. Values are turned into texts."""
        try:
            self.parser.read_dict(config_dict)
        except (AttributeError, TypeError) as error:
            raise ConfigError("a configuration must be options by section name: {'limits': {'db': 2}}") from error
        for section, options in config_dict.items():
            for option in options:
                self.parser.places.pop((section, option), None)
        self._sections = self._nest()

    # -- a mapping of sections ----------------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        return self._sections[key]

    def __contains__(self, key: object) -> bool:
        return key in self._sections

    def __iter__(self) -> Iterator[str]:
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)

    def get(self, key: str, default: T | None = None) -> Any | T | None:
        """The section, or group of sections, of this name."""
        return self._sections.get(key, default)

    def keys(self) -> KeysView[str]:
        """The names of the sections and groups of sections."""
        return self._sections.keys()

    def items(self) -> ItemsView[str, Any]:
        """The sections and groups of sections by name."""
        return self._sections.items()

    # -- flat views ---------------------------------------------------------------------------------------------------

    def section_names(self, prefix: str = "") -> list[str]:
        """The full names of all sections that begin with `prefix`, in the order in which they are written."""
        return [name for name in self.parser.sections() if name.startswith(prefix)]

    def section(self, name: str) -> SectionProxy | None:
        """The section of this full, dotted name."""
        return self.parser[name] if self.parser.has_section(name) else None

    def get_config_dict(self, replace_config_dir: str | None = None) -> dict[str, dict[str, str]]:
        """All options by full section name, interpolated.

        replace_config_dir: write this instead of the path of the configuration directory in all values.
        """
        found = {name: dict(self.parser[name]) for name in self.parser.sections()}
        return self._with_directory(found, replace_config_dir)

    def get_raw_config_dict(self, replace_config_dir: str | None = None) -> dict[str, dict[str, str]]:
        """All options by full section name as they are written: `${...}` references stay.

        This is what may leave the process, because it holds no secret that comes from the environment. `[DEFAULT]` is
        one of the sections, so that `Config(...)` of the result has the same content.
        """
        found = {name: self.parser.own_values(name) for name in self.parser.sections()}
        if self.parser.defaults():
            found = {DEFAULT_SECTION: self.parser.own_values(DEFAULT_SECTION), **found}
        return self._with_directory(found, replace_config_dir)

    def __repr__(self) -> str:
        return f"<Config in {self.configdir}: {', '.join(self.parser.sections()) or 'empty'}>"

    def _with_directory(self, values: dict[str, dict[str, str]], replacement: str | None) -> dict[str, dict[str, str]]:
        if replacement is None:
            return values
        return {
            section: {name: value.replace(self.configdir, replacement) for name, value in options.items()}
            for section, options in values.items()
        }

    def _nest(self) -> dict[str, Any]:
        names = self.parser.sections()
        # `[executors]` above `[executors.batch]` is a mere heading, unless it has options.
        headings = {
            name
            for name in names
            if any(other.startswith(f"{name}.") for other in names) and not self.parser.own_values(name)
        }
        tree: dict[str, Any] = {}
        for name in names:
            if name in headings:
                continue
            *parents, last = name.split(".")
            group = tree
            for parent in parents:
                group = group.setdefault(parent, {})
                if not isinstance(group, dict):
                    raise ConfigError(self._both_message(name))
            if last in group:
                raise ConfigError(self._both_message(name))
            group[last] = self.parser[name]
        return tree

    def _both_message(self, name: str) -> str:
        where = self.parser.describe(name)
        return f"{where}: a section cannot have options and sections below it at the same time"


def _read_file(path: str) -> str:
    if "://" in path:
        from redun.file import File

        try:
            return str(File(path).read())
        except Exception as error:
            raise ConfigError(f"the configuration {path} cannot be read: {error}") from error
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration {path} cannot be read: {error}") from error
