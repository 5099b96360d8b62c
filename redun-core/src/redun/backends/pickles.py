"""Whether bytes are a whole pickle, told without loading it: that would run code of whoever wrote it."""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any


def pickle_problem(data: bytes) -> str | None:
    """Why these bytes are no pickle, or None."""
    if _is_whole(data):
        return None
    # The stand-ins cannot do all that a class can. What reads no class at all has the last word, and takes its time.
    end = -1
    try:
        for opcode, _, position in pickletools.genops(data):
            end = position if opcode.name == "STOP" and position is not None else -1
    except Exception as error:  # the module promises no kind of error for what is no pickle
        return f"its pickle is damaged: {error}"
    return None if end == len(data) - 1 else "its pickle is damaged: something follows its end"


def _is_whole(data: bytes) -> bool:
    buffer = io.BytesIO(data)
    try:
        _InertUnpickler(buffer).load()
    except Exception:  # a stand-in that does not fit, or damage
        return False
    return buffer.tell() == len(data)


class _Inert:
    """Stands for every class and function that a pickle names, takes what it is given, and does nothing."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> _Inert:
        return object.__new__(cls)

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def _take(self, *_args: Any) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = _take

    def __call__(self, *_args: Any, **_kwargs: Any) -> _Inert:
        return self


class _InertUnpickler(pickle.Unpickler):
    """Reads at the speed of C, and imports nothing."""

    def find_class(self, _module: str, _name: str) -> Any:
        return _Inert

    def persistent_load(self, _pid: Any) -> Any:
        return _Inert()
