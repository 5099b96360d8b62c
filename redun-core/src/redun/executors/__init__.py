"""Executors: where the bodies of tasks run, and what executors of other packages are made of.

The names below are what such packages may rely on:

- the interface: `Executor`, `Capabilities`, `TaskCall`, `TaskTarget`, `JobSink`, `ExecutorContext`;
- `BlockingExecutor`: an executor made from one function that waits until a call has ended (`Cancellation`, `Outcome`);
- running a call here: `run_call`;
- sending a call elsewhere: `encode_call`, `run_encoded_call`, `decode_outcome`, with `Returned`, `Raised`,
  `RemoteTaskError`;
- script tasks: `run_script_call`, `ScriptProcess`, `ScriptError`;
- async tasks: `start_async_call`, `run_async_call`;
- a process for each call: `worker_command`, `read_outcome`, `describe_exit`.

They are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redun.executors.async_calls import run_async_call, start_async_call
    from redun.executors.base import Capabilities, Executor, ExecutorContext, JobSink, TaskCall, TaskTarget
    from redun.executors.blocking import BlockingExecutor, Cancellation
    from redun.executors.calls import run_call
    from redun.executors.scripts import ScriptError, ScriptProcess, run_script_call
    from redun.executors.transport import (
        Outcome,
        Raised,
        RemoteTaskError,
        Returned,
        decode_outcome,
        encode_call,
        run_encoded_call,
    )
    from redun.executors.worker_processes import describe_exit, read_outcome, worker_command

__all__ = [
    "BlockingExecutor",
    "Cancellation",
    "Capabilities",
    "Executor",
    "ExecutorContext",
    "JobSink",
    "Outcome",
    "Raised",
    "RemoteTaskError",
    "Returned",
    "ScriptError",
    "ScriptProcess",
    "TaskCall",
    "TaskTarget",
    "decode_outcome",
    "describe_exit",
    "encode_call",
    "read_outcome",
    "run_async_call",
    "run_call",
    "run_encoded_call",
    "run_script_call",
    "start_async_call",
    "worker_command",
]

_HOMES = {
    "run_async_call": "async_calls",
    "start_async_call": "async_calls",
    "BlockingExecutor": "blocking",
    "Cancellation": "blocking",
    "run_call": "calls",
    "ScriptError": "scripts",
    "ScriptProcess": "scripts",
    "run_script_call": "scripts",
    "Outcome": "transport",
    "Raised": "transport",
    "RemoteTaskError": "transport",
    "Returned": "transport",
    "decode_outcome": "transport",
    "encode_call": "transport",
    "run_encoded_call": "transport",
    "describe_exit": "worker_processes",
    "read_outcome": "worker_processes",
    "worker_command": "worker_processes",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'base')}"), name)
    return value
