"""The source text of functions, as it enters the hash of a task."""

from __future__ import annotations

import inspect
import marshal
import textwrap
from types import CodeType
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


def _fingerprint(code: CodeType) -> bytes:
    from redun.hashing import hash_bytes

    constants = tuple(_fingerprint(item) if isinstance(item, CodeType) else repr(item) for item in code.co_consts)
    return hash_bytes("task", marshal.dumps((code.co_code, constants, code.co_names, code.co_varnames), 2))
