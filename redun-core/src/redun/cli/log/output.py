"""Where the output of a command that looks at a repository goes: a terminal, a pager or a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from redun.cli.colours import coloured, shows_colours
from redun.cli.log.json_output import json_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NARROWEST = 30
_LESS = "-FKRSX"
"""Leave at once when it all fits, quit on Ctrl-C, show colours, do not wrap, do not clear the screen."""


def show(data: Any, lines: Iterable[str], *, as_json: bool, no_pager: bool) -> None:
    """Print either of the two forms; lines in a pager, if somebody sits at a terminal and did not refuse it."""
    if as_json:
        write(json_chunks(data), use_pager=False)
    else:
        if shows_colours(sys.stdout):
            lines = coloured(lines)
        write((f"{line}\n" for line in lines), use_pager=not no_pager and sys.stdout.isatty())


def wrapped(text: str, indent: str = "") -> list[str]:
    """A sentence as lines that fit on the terminal, words unbroken; where there is no terminal, as one line.

    indent: of all lines but the first.
    """
    if not sys.stdout.isatty():
        return [text]
    import shutil
    import textwrap

    width = max(_NARROWEST, shutil.get_terminal_size().columns)
    found = textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return found or [text]


def write(chunks: Iterator[str], *, use_pager: bool) -> None:
    """Print text as it comes."""
    if use_pager:
        os.environ.setdefault("LESS", _LESS)
        click.echo_via_pager(chunks)
        return
    for chunk in chunks:
        sys.stdout.write(chunk)
    sys.stdout.flush()
