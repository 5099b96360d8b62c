"""The names of task options, and warnings about those that look like a slip of the pen.

A task may carry options that mean nothing here: they may be for an executor that this installation does not have. So an
unknown name is no error, but one that nearly is a known name deserves a word.
"""

from __future__ import annotations

import difflib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    for name in task.get_task_options():
        if name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.8)
            if near:
                logger.warning("task %r: unknown option %r. Did you mean %r?", task.fullname, name, near[0])
