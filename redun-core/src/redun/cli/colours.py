"""Colours on terminals: of statuses and headings, added to lines that are complete without them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from redun.log_lines import shows_colours as shows_colours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STATUSES = {
    "DONE": "green",
    "CACHED": "blue",
    "FAILED": "red",
    "RUNNING": "yellow",
    "CANCELLED": "magenta",
    "LOST": "magenta",
}
_BOX = re.compile(rf"\[ *({'|'.join(_STATUSES)}) *\]")
_HEADING = re.compile(r"(?:[A-Z][^:\"']*:|\| JOB STATUS .*|TASK  .*)$")
_ANSWER = re.compile(r"(?:It ran|It did not run):")


def coloured(lines: Iterable[str]) -> Iterator[str]:
    """Lines with the first status of each in its colour, and headings bold."""
    for line in lines:
        if _HEADING.match(line):
            yield click.style(line, bold=True)
        else:
            line = _ANSWER.sub(lambda found: click.style(found[0], bold=True), line, count=1)
            yield _BOX.sub(lambda found: click.style(found[0], fg=_STATUSES[found[1]]), line, count=1)
