"""Workflows in plain Python: lazy, cached by content, recorded.

```python
from redun import task

redun_namespace = "example"


@task
def add(a: int, b: int) -> int:
    return a + b
```
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from redun.version import __version__

if TYPE_CHECKING:
    from redun.context import get_context
    from redun.executors.alias import AliasExecutor
    from redun.executors.by_type import (
        AWSBatchExecutor,
        AWSGlueExecutor,
        DockerExecutor,
        GCPBatchExecutor,
        K8SExecutor,
        LocalExecutor,
    )
    from redun.executors.registering import register_executor
    from redun.file import Dir, File, ShardedS3Dataset
    from redun.file.filesystem import FileSystem
    from redun.handle import Handle
    from redun.namespace import get_current_namespace, namespace
    from redun.run_function import run
    from redun.scheduler import Scheduler, apply_tags, catch, cond, merge_handles, throw
    from redun.scripting import script
    from redun.session import get_current_scheduler, set_current_scheduler
    from redun.task import PartialTask, Task, scheduler_task, task, wraps_task
    from redun.task_registry import get_task_registry

    version: str

# Everything is imported when it is first used, so that `redun --help` pays for none of it.
_HOMES = {
    "AWSBatchExecutor": "redun.executors.by_type",
    "AWSGlueExecutor": "redun.executors.by_type",
    "AliasExecutor": "redun.executors.alias",
    "Dir": "redun.file",
    "DockerExecutor": "redun.executors.by_type",
    "File": "redun.file",
    "GCPBatchExecutor": "redun.executors.by_type",
    "Handle": "redun.handle",
    "K8SExecutor": "redun.executors.by_type",
    "LocalExecutor": "redun.executors.by_type",
    "PartialTask": "redun.task",
    "Scheduler": "redun.scheduler",
    "ShardedS3Dataset": "redun.file",
    "Task": "redun.task",
    "apply_tags": "redun.scheduler",
    "catch": "redun.scheduler",
    "cond": "redun.scheduler",
    "get_context": "redun.context",
    "get_current_namespace": "redun.namespace",
    "get_current_scheduler": "redun.session",
    "get_task_registry": "redun.task_registry",
    "merge_handles": "redun.scheduler",
    "namespace": "redun.namespace",
    "register_executor": "redun.executors.registering",
    "run": "redun.run_function",
    "scheduler_task": "redun.task",
    "script": "redun.scripting",
    "set_current_scheduler": "redun.session",
    "task": "redun.task",
    "throw": "redun.scheduler",
    "wraps_task": "redun.task",
}

__all__ = [
    "AWSBatchExecutor",
    "AWSGlueExecutor",
    "AliasExecutor",
    "Dir",
    "DockerExecutor",
    "File",
    "GCPBatchExecutor",
    "Handle",
    "K8SExecutor",
    "LocalExecutor",
    "PartialTask",
    "Scheduler",
    "ShardedS3Dataset",
    "Task",
    "__version__",
    "apply_tags",
    "catch",
    "cond",
    "get_context",
    "get_current_namespace",
    "get_current_scheduler",
    "get_task_registry",
    "merge_handles",
    "namespace",
    "register_executor",
    "run",
    "scheduler_task",
    "script",
    "set_current_scheduler",
    "task",
    "throw",
    "version",
    "wraps_task",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'redun' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(home), name)


class _Package(ModuleType):
    """Keeps the functions `task` and `namespace` and the text `version` from being hidden by modules of these names.

    Importing a submodule sets it as an attribute of its package. With the one about finders, files get to know plugins.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType):
            if name in ("task", "namespace"):
                value = getattr(value, name)
            elif name == "version":
                value = value.__version__
            elif name == "filesystem_finders":
                value.add_filesystem_finder(_find_filesystem)
        super().__setattr__(name, value)


def _find_filesystem(scheme: str) -> FileSystem | None:
    """Files outside of a run have the filesystems of plugins too."""
    from redun.plugins.connect import find_filesystem

    return find_filesystem(scheme)


sys.modules[__name__].__class__ = _Package
# Its module was imported above, before there was anything to keep it from taking this name.
globals()["version"] = __version__
