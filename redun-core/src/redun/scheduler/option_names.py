"""The names of task options, and warnings about those that look like a slip of the pen.

A task may carry options that mean nothing here: they may be for an executor that this installation does not have. So an
unknown name is no error, but one that nearly is a known name deserves a word.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.task import Task

logger = logging.getLogger("redun")

ENGINE = frozenset(
    [
        "allowed_cache_results",
        "cache",
        "cache_scope",
        "check_valid",
        "config_args",
        "executor",
        "hash_helpers",
        "job_timeout",
        "limits",
        "load_module",
        "max_retries",
        "nout",
        "prov",
        "retry_backoff",
        "retry_delay",
        "retry_on",
        "tags",
        "wrapped_task",
        "_context_override",
        "_sub_run",
        "use_wrapper_signature",
    ]
)
"""Options that the scheduler itself understands."""

_EXECUTORS = frozenset(
    [
        "additional_libs",
        "autocreate_job_def",
        "batch_tags",
        "debug",
        "extra_files",
        "glue_version",
        "gpus",
        "image",
        "include_aws_env",
        "interactive",
        "job_def_extra",
        "job_def_name",
        "job_name_prefix",
        "memory",
        "mode",
        "num_nodes",
        "privileged",
        "queue",
        "retries",
        "role",
        "scheduling_priority_override",
        "share_id",
        "shared_memory",
        "timeout",
        "vcpus",
        "volumes",
        "worker_type",
        "workers",
    ]
)

KNOWN = ENGINE | _EXECUTORS


def warn_about_options(task: Task[..., Any]) -> None:
    """Warn about options of a task that do nothing here although they look as if they should."""
    _warn(task.fullname, task.get_task_options())


def warn_about_call_options(task_name: str, options: Mapping[str, Any]) -> None:
    """The same for the options of one call. The same names are looked at once for each task."""
    key = (task_name, *options)
    if key not in _looked_at:
        _looked_at.add(key)
        _warn(task_name, options)


_looked_at: set[tuple[str, ...]] = set()


def _warn(task_name: str, options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in KNOWN:
            from difflib import get_close_matches

            near = get_close_matches(name, KNOWN, n=1, cutoff=0.8)
            if near:
                logger.warning("task %r: unknown option %r. Did you mean %r?", task_name, name, near[0])
