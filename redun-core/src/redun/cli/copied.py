"""What the commands that copy records share: which executions are meant, and how to say what was copied."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from redun.errors import UsageError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from redun.backends.base import Backend


def execution_ids(backend: Backend, texts: Sequence[str]) -> list[str] | None:
    """The executions that some texts name, as `redun log` takes them, in the order given; None without any text.

    Raises `UsageError` for what names no execution, nor a job of one.
    """
    from redun.provenance.find import ExecutionFound, JobFound, find

    if not texts:
        return None
    found: dict[str, None] = {}
    for text in texts:
        match find(backend, text):
            case ExecutionFound(execution_id):
                found[execution_id] = None
            case JobFound(job):
                found[job.execution_id] = None
            case other:
                kind = type(other).__name__.removesuffix("Found").removesuffix("Name").lower()
                raise UsageError(f"{text!r} names a {kind}, but records are copied by whole executions")
    return list(found)


def show_counts(message: str, counts: Counter[str], nothing: str, *, as_json: bool, kind: str = "record(s)") -> None:
    """Print how many records were copied.

    message: with a place for the number.
    nothing: what to say for none.
    kind: what the records are called.
    """
    if as_json:
        click.echo(json.dumps({"records": counts.total(), **counts}))
    elif not counts:
        click.echo(nothing)
    else:
        shown = ", ".join(f"{count} {_words(name, count)}" for name, count in counts.most_common())
        click.echo(f"{message.format(f'{counts.total()} {kind}')}: {shown}")


def _words(kind: str, count: int) -> str:
    words = kind.replace("_", " ")
    return words.removesuffix("s") if count == 1 else words
