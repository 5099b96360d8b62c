"""The options of the local executor: their allowed values and their defaults, each in one place.

Both the constructor and the configuration model read them. Nothing heavy is imported here.
"""

from __future__ import annotations

from typing import Final, Literal

from redun.errors import ConfigError

THREAD: Final = "thread"
PROCESS: Final = "process"
START_METHODS = ("fork", "spawn", "forkserver")

DEFAULT_MODE: Literal["thread", "process"] = THREAD
DEFAULT_MAX_WORKERS = 20
DEFAULT_START_METHOD: Literal["fork", "spawn", "forkserver"] = "forkserver"

_MODES = {THREAD: THREAD, PROCESS: PROCESS, "threads": THREAD, "processes": PROCESS}


def parse_mode(text: object) -> str:
    """`"thread"` or `"process"` for what a user wrote; the older words `threads` and `processes` mean the same.

    Raises `ConfigError` for anything else.
    """
    mode = _MODES.get(text) if isinstance(text, str) else None
    if mode is None:
        raise ConfigError(f"mode = {text!r} is not a mode of the local executor. Use {THREAD!r} or {PROCESS!r}.")
    return mode


def check_max_workers(number: object) -> int:
    """The number given, if it can be a number of workers. Raises `ConfigError` otherwise."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ConfigError(f"max_workers = {number!r} is not a number of workers. Use an integer of 1 or more.")
    return number


def check_start_method(text: object) -> str:
    """The start method given, if Python has it. Raises `ConfigError` otherwise."""
    if text not in START_METHODS:
        raise ConfigError(
            f"start_method = {text!r} is not a start method of processes. Use {', '.join(START_METHODS)}."
        )
    return str(text)
