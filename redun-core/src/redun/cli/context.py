"""The context that the command line asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_context(
    file: str | None, values: Iterable[tuple[str, Any]], recorded: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The context in a JSON file, changed by values at dotted paths. Raises `UsageError` for what cannot be read.

    recorded: a context that the file and the values change.
    """
    from redun.nested import merge_dicts

    context = merge_dicts(recorded or {}, {} if file is None else _read_file(file))
    for path, value in values:
        names = path.split(".")
        if not all(names):
            raise UsageError(f"--context {path}: a path is names joined by dots, such as database.port")
        for name in reversed(names):
            value = {name: value}
        context = merge_dicts(context, value)
    return context


def _read_file(file: str) -> dict[str, Any]:
    import json
    from pathlib import Path

    try:
        context = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--context-file {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--context-file {file} is not valid JSON: {error}") from None
    if not isinstance(context, dict):
        raise UsageError(f"--context-file {file} holds {type(context).__name__}, but a JSON object is needed")
    return context
