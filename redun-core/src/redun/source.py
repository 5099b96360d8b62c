"""The source text of functions, as it enters the hash of a task."""

from __future__ import annotations

import importlib.util
import inspect
import marshal
import sys
import textwrap
import time
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def get_func_source(func: Callable[..., Any]) -> str:
    """The text of a function from its `def` on: decorators and indentation left out.

    Where there is no source (a function made by `exec`), a text that stands for its byte code: it changes with the
    code, and with the version of Python.
    """
    func = inspect.unwrap(func)
    try:
        text = textwrap.dedent(inspect.getsource(func))
    except (OSError, TypeError):
        code = getattr(func, "__code__", None)
        return f"<no source: {_fingerprint(code).hex()}>" if code else f"<no source: {func!r}>"
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(("def ", "async def ")):
            return "\n".join(lines[number:]).rstrip() + "\n"
    return text.rstrip() + "\n"


def import_workflow_module(name: str) -> ModuleType:
    """Import a module with tasks. No bytecode is kept of a file that was edited just now.

    Python takes bytecode for current when the second and the size of the last edit agree. Had it been kept, the same
    file edited again within that second would have its new text hashed and its old code run.

    Raises what importing raises.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    before = sys.dont_write_bytecode
    if spec is not None and spec.origin is not None and _is_fresh(spec.origin):
        sys.dont_write_bytecode = True
    try:
        return importlib.import_module(name)
    finally:
        sys.dont_write_bytecode = before


def _is_fresh(filename: str) -> bool:
    try:
        return time.time() - Path(filename).stat().st_mtime < _FRESH
    except OSError:
        return False


_FRESH = 2.0
"""Seconds since the last edit within which a file may be edited again unnoticed."""


def _fingerprint(code: CodeType) -> bytes:
    from redun.hashing import hash_data

    constants = tuple(_fingerprint(item) if isinstance(item, CodeType) else repr(item) for item in code.co_consts)
    return hash_data("task", marshal.dumps((code.co_code, constants, code.co_names, code.co_varnames), 2))
