"""Reading INI text: case-sensitive option names, `${...}` interpolation, and where each option was written."""

from __future__ import annotations

import os
import re
from configparser import (
    BasicInterpolation,
    ConfigParser,
    DuplicateOptionError,
    DuplicateSectionError,
    Error,
    MissingSectionHeaderError,
    ParsingError,
    SectionProxy,
)
from typing import TYPE_CHECKING, TypeAlias

from redun.config.places import Place, option_lines
from redun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_SECTION = "DEFAULT"
_MAX_DEPTH = 10
# `$$` stands for one dollar; a dollar that begins neither is a mistake.
_TOKEN = re.compile(r"\$\$|\$\{([^}]*)\}|\$")


Section: TypeAlias = SectionProxy
"""One section: a mapping of option names to interpolated texts, with `getint`, `getfloat` and `getboolean`."""


class EnvironmentInterpolation(BasicInterpolation):
    """Replaces `${option}` and `${section:option}`, and takes what no option defines from the environment."""

    def before_get(  # type: ignore[override]  # the stubs narrow the parser's type
        self, parser: RedunConfigParser, section: str, option: str, value: str, defaults: Mapping[str, str]
    ) -> str:
        """The value with every reference replaced. Raises `ConfigError` for one that leads nowhere."""
        return self._expand(parser, section, option, value, defaults, 1)

    def before_set(self, parser: object, section: str, option: str, value: str) -> str:  # noqa: ARG002
        """Any text may be set: it is checked when it is read."""
        return value

    def _expand(
        self,
        parser: RedunConfigParser,
        section: str,
        option: str,
        value: str,
        defaults: Mapping[str, str],
        depth: int,
    ) -> str:
        if "$" not in value:
            return value
        where = parser.describe(section, option)
        if depth > _MAX_DEPTH:
            raise ConfigError(f"{where}: references go round in a circle, or are nested more than {_MAX_DEPTH} deep")

        def replacement(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            if match[1] is None:
                raise ConfigError(f"{where}: a single '$' in {value!r}; write '$$' for a dollar, or '${{name}}'")
            other_section, other_option = split_reference(match[1], section)
            values = defaults if other_section == section else parser.raw_values(other_section)
            if other_option in values:
                found = values[other_option]
                return self._expand(parser, other_section, other_option, found, values, depth + 1)
            if match[1] in os.environ:
                return os.environ[match[1]]
            raise ConfigError(
                f"{where}: '${{{match[1]}}}' refers to neither an option nor an environment variable that is set"
            )

        return _TOKEN.sub(replacement, value)


def references(value: str) -> Iterator[str]:
    """The names in the `${...}` references of a raw value."""
    return (match[1] for match in _TOKEN.finditer(value) if match[1] is not None)


def split_reference(name: str, section: str) -> tuple[str, str]:
    """The section and option that a reference in this section names."""
    before, colon, after = name.partition(":")
    return (before, after) if colon else (section, name)


class RedunConfigParser(ConfigParser):
    """A `ConfigParser` with the syntax of `redun.ini`. Remembers where each option was written."""

    def __init__(self) -> None:
        super().__init__(interpolation=EnvironmentInterpolation(), default_section=DEFAULT_SECTION)
        self.places: dict[tuple[str, str], Place] = {}
        """Where options and, under the empty option name, sections were written."""

    def optionxform(self, optionstr: str) -> str:
        """Option names are case-sensitive."""
        return optionstr

    def read_text(self, text: str, source: str) -> None:
        """Parse text. `source` names it in messages. Raises `ConfigError` when its syntax is wrong."""
        try:
            self.read_string(text, source)
        except DuplicateOptionError as error:
            line = f"{source}:{error.lineno}: " if error.lineno else ""
            raise ConfigError(f"{line}[{error.section}] {error.option}: the option is already set above") from None
        except DuplicateSectionError as error:
            line = f"{source}:{error.lineno}: " if error.lineno else ""
            raise ConfigError(f"{line}[{error.section}]: there is already a section of this name above") from None
        except MissingSectionHeaderError as error:
            if error.line.startswith("["):
                raise ConfigError(
                    f"{source}:{error.lineno}: {error.line.strip()!r}: the closing ] is missing"
                ) from None
            raise ConfigError(
                f"{source}:{error.lineno}: {error.line.strip()!r} comes before the first [section]"
            ) from None
        except ParsingError as error:
            written = text.split("\n")
            lines = "\n".join(
                f"{source}:{number}: expected 'option = value', found {written[number - 1].strip()!r}"
                for number, _ in error.errors
            )
            raise ConfigError(lines) from None
        except Error as error:
            raise ConfigError(f"{source}: {error}") from None
        self.places.update(option_lines(text, source))

    def knows(self, section: str) -> bool:
        """Whether there is a section of this name; `[DEFAULT]` always is one."""
        return section == self.default_section or self.has_section(section)

    def raw_values(self, section: str) -> dict[str, str]:
        """The options of a section as they are written, those of `[DEFAULT]` included. Empty for an unknown section."""
        return dict(self.items(section, raw=True) if self.has_section(section) else self.defaults())

    def own_values(self, section: str) -> dict[str, str]:
        """The options of a section as they are written, without those inherited from `[DEFAULT]`."""
        if section == self.default_section:
            return dict(self.defaults())
        defaults = self.defaults()
        return {
            name: value
            for name, value in self.items(section, raw=True)
            if name not in defaults or defaults[name] != value or (section, name) in self.places
        }

    def place(self, section: str, option: str = "") -> Place | None:
        """Where an option (inherited ones included) or a section was written."""
        found = self.places.get((section, option))
        if found is None and option:
            found = self.places.get((self.default_section, option)) or self.places.get((section, ""))
        return found

    def describe(self, section: str, option: str = "") -> str:
        """`file:line: [section] option`, as far as it is known."""
        place = self.place(section, option)
        return f"{place}: [{section}] {option}".rstrip() if place else f"[{section}] {option}".rstrip()


def create_config_section(config_dict: Mapping[str, object] | None = None) -> SectionProxy:
    """A section on its own, for code that takes one: `create_config_section({"max_workers": 4})`."""
    parser = RedunConfigParser()
    parser.read_dict({"section": dict(config_dict or {})})
    return parser["section"]
