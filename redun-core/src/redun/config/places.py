"""Where options are written, which `configparser` does not remember."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEADER = re.compile(r"\[(?P<name>.+)\]")
_OPTION = re.compile(r"(?P<name>.*?)\s*[=:]")


class Place(NamedTuple):
    """A line of a file."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


def option_lines(text: str, source: str) -> dict[tuple[str, str], Place]:
    """The line of each (section, option) of an INI text, and of each section under (section, "").

    Follows the rules of `configparser`: full-line comments, and values that go on in lines with a deeper indent.
    """
    places: dict[tuple[str, str], Place] = {}
    section: str | None = None
    in_option = False
    indent = 0
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.strip()
        if not content or content[0] in "#;":
            continue
        this_indent = len(line) - len(line.lstrip())
        if in_option and this_indent > indent:
            continue
        indent = this_indent
        header = _HEADER.match(content)
        if header:
            section, in_option = header["name"], False
            places[section, ""] = Place(source, number)
            continue
        option = _OPTION.match(content)
        if option and section is not None:
            in_option = True
            places[section, option["name"].rstrip()] = Place(source, number)
    return places
