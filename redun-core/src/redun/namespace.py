"""Namespaces of tasks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_current_namespace = ""


def namespace(name: str | None = None) -> None:
    """Set the namespace of the tasks that are defined from now on; None clears it."""
    global _current_namespace
    _current_namespace = name or ""


def get_current_namespace() -> str:
    """The namespace that `namespace` set, empty if none."""
    return _current_namespace


def compute_namespace(func: Callable[..., Any] | None = None, namespace: str | None = None) -> str:
    """The namespace of a task: the one given, else the `redun_namespace` of its module, else the current one."""
    if namespace is not None:
        return namespace
    module = sys.modules.get(getattr(func, "__module__", None) or "")
    declared = getattr(module, "redun_namespace", None)
    return declared if isinstance(declared, str) and declared else _current_namespace
