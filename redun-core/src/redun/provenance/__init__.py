"""Questions asked of a backend, and the answers in a shape that can be shown.

What an id names, the tree of an execution's jobs, where a value came from and went, why a job ran, what two executions
differ in, and values made readable without trusting them. `Repository` hands all of it out as objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redun.provenance.models import Call, Execution, Job, Task
    from redun.provenance.repository import Repository
    from redun.provenance.values import Argument, FileState, Value

_HOMES = {
    "Argument": "values",
    "Call": "models",
    "Execution": "models",
    "FileState": "values",
    "Job": "models",
    "Repository": "repository",
    "Task": "models",
    "Value": "values",
}

__all__ = ["Argument", "Call", "Execution", "FileState", "Job", "Repository", "Task", "Value"]


def __getattr__(name: str) -> Any:
    # `redun log` needs none of these, and starts faster without them.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
