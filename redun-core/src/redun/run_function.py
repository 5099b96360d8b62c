"""`redun.run`: evaluating a workflow from any Python program, as `redun run` would."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from redun.scheduler import Scheduler

T = TypeVar("T")

_schedulers: dict[str, Scheduler] = {}
_lock = threading.Lock()


def run(
    expr: T,
    config_dir: str | Path | None = None,
    exec_argv: Sequence[str] | None = None,
    dryrun: bool = False,
    cache: bool = True,
    tags: Iterable[tuple[str, Any]] = (),
    context: Mapping[str, Any] | None = None,
    execution_id: str | None = None,
) -> T:
    """Evaluate an expression, or a nested value that holds expressions, with the configured scheduler.

    config_dir: the folder that holds `redun.ini`. By default it is looked for as the command `redun` does: the
    environment variable `REDUN_CONFIG`, then the nearest `.redun` from the working directory upwards. It is made where
    there is none. Calls with the same folder share one scheduler.

    The other arguments are those of `Scheduler.run`. Raises `ConfigError` for a wrong configuration, and the error that
    the workflow failed with.
    """
    result: T = _scheduler(config_dir).run(
        expr,
        exec_argv=exec_argv,
        dryrun=dryrun,
        cache=cache,
        tags=tags,
        context=context,
        execution_id=execution_id,
    )
    return result


def _scheduler(config_dir: str | Path | None) -> Scheduler:
    from redun.cli.setup import make_scheduler
    from redun.config.discovery import find_config_dir, load_config

    # By the folder itself: the same words mean another one in another working directory.
    folder = find_config_dir(config_dir)
    with _lock:
        if folder not in _schedulers:
            _schedulers[folder] = make_scheduler(load_config(folder), ())
        return _schedulers[folder]
