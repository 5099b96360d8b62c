"""Which version of the plugin contract this core speaks, and which plugins it can therefore load.

The major number changes when a plugin has to be changed; the minor one when something is added.
"""

from __future__ import annotations

from typing import Any

REDUN_PLUGIN_API = (1, 0)


def incompatibility(declared: Any) -> str | None:
    """Why a plugin that declares this `REDUN_PLUGIN_API` cannot be loaded, or None when it can.

    declared: the value found in the plugin's module; None when there is none.
    """
    if declared is None:
        return f"it does not declare REDUN_PLUGIN_API (this redun speaks {_text(REDUN_PLUGIN_API)})"
    if not (isinstance(declared, tuple) and len(declared) == 2 and all(type(part) is int for part in declared)):
        return f"REDUN_PLUGIN_API is {declared!r}, but must be a pair of integers such as {REDUN_PLUGIN_API}"
    if declared[0] != REDUN_PLUGIN_API[0]:
        return f"it speaks plugin API {_text(declared)}, this redun speaks {_text(REDUN_PLUGIN_API)}"
    if declared[1] > REDUN_PLUGIN_API[1]:
        return f"it needs plugin API {_text(declared)} or newer, this redun speaks {_text(REDUN_PLUGIN_API)}"
    return None


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
