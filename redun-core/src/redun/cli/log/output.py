"""Where the output of a command that looks at a repository goes: a terminal, a pager or a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from redun.cli.log.json_output import json_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LESS = "-FKRSX"
"""Leave at once when it all fits, quit on Ctrl-C, show colours, do not wrap, do not clear the screen."""


def show(data: Any, lines: Iterable[str], *, as_json: bool, no_pager: bool) -> None:
    """Print either of the two forms; lines in a pager, if somebody sits at a terminal and did not refuse it."""
    if as_json:
        write(json_chunks(data), use_pager=False)
    else:
        write((f"{line}\n" for line in lines), use_pager=not no_pager and sys.stdout.isatty())


def write(chunks: Iterator[str], *, use_pager: bool) -> None:
    """Print text as it comes."""
    if use_pager:
        os.environ.setdefault("LESS", _LESS)
        click.echo_via_pager(chunks)
        return
    for chunk in chunks:
        sys.stdout.write(chunk)
    sys.stdout.flush()
