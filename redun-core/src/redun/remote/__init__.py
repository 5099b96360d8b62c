"""Task calls on machines elsewhere: in containers, in the jobs of a batch service or of a cluster.

`PollingExecutor` is what executors of other packages derive from. They say how a job is submitted, what became of it
and how it is cancelled; the rest is done here: files in a scratch folder that both sides reach, packages of code, job
arrays, bundles, polling, reuniting with jobs that outlived their scheduler, and bringing results and errors back. The
other side is the command `redun oneshot` (`redun.remote.worker`).

The names below are what such packages may rely on. They are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redun.remote.errors import (
        JobLostError,
        OutputLostError,
        RemoteJobError,
        RemoteJobTimeoutError,
        ScratchError,
        WorkerVersionError,
    )
    from redun.remote.interface import (
        ErrorKind,
        InFlightJob,
        JobReport,
        JobState,
        RemoteLimits,
        Submission,
    )
    from redun.remote.options import RemoteOptions
    from redun.remote.polling import PollingExecutor
    from redun.remote.settings import RemoteJobSettings, RemoteSettings, RemoteTaskOptions

__all__ = [
    "ErrorKind",
    "InFlightJob",
    "JobLostError",
    "JobReport",
    "JobState",
    "OutputLostError",
    "PollingExecutor",
    "RemoteJobError",
    "RemoteJobSettings",
    "RemoteJobTimeoutError",
    "RemoteLimits",
    "RemoteOptions",
    "RemoteSettings",
    "RemoteTaskOptions",
    "ScratchError",
    "Submission",
    "WorkerVersionError",
]

_HOMES = {
    "JobLostError": "errors",
    "OutputLostError": "errors",
    "PollingExecutor": "polling",
    "RemoteJobError": "errors",
    "RemoteJobTimeoutError": "errors",
    "RemoteJobSettings": "settings",
    "RemoteOptions": "options",
    "RemoteSettings": "settings",
    "RemoteTaskOptions": "settings",
    "ScratchError": "errors",
    "WorkerVersionError": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'interface')}"), name)
    return value
