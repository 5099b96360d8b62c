"""What settings models of executors of jobs elsewhere inherit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from redun.config.settings import Settings, ShellWords

_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def _switch_or_path(value: Any) -> Any:
    return _SWITCH.get(value.lower(), value) if isinstance(value, str) else value


SwitchOrPath = Annotated[bool | str, BeforeValidator(_switch_or_path)]
"""Yes or no, or a path."""


class RemoteTaskOptions(Settings):
    """What a task may ask of any executor of jobs elsewhere. Derive the model of an executor's task options from it."""

    bundle_size: int | None = Field(
        None, ge=1, description="How many calls of this task run one after the other in one job, at most."
    )
    bundle_seconds: float | None = Field(
        None, gt=0, description="How many seconds a job should take that runs several calls of this task."
    )
    job_name_prefix: str | None = Field(
        None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="What the names of this task's jobs begin with."
    )


class RemoteJobSettings(Settings):
    """The options of `redun.remote.RemoteOptions`, described, but for those of job arrays.

    Derive the model of an executor's section from it whose service has no arrays.
    """

    job_name_prefix: str = Field(
        "redun-job",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="What the names of jobs begin with. Jobs that outlived their scheduler are found again by it.",
    )
    job_monitor_interval: float = Field(
        5.0,
        gt=0,
        description="Seconds between looks at the jobs, at most. Right after a change they are looked at more often.",
    )
    bundle_size: int = Field(
        1,
        ge=1,
        description="How many calls of a task run one after the other in one job, at most. A task may have "
        "its own. Changing it runs nothing again.",
    )
    bundle_seconds: float | None = Field(
        None,
        gt=0,
        description="Seconds that a job should take that runs several calls: how many these are follows "
        "from how long earlier calls of the task took, and no call is begun any later.",
    )
    code_package: SwitchOrPath = Field(
        True,
        description="Whether the files of the workflow are packed and sent along; or the path of a package to "
        "send instead (`.tar.gz`).",
    )
    code_includes: ShellWords = Field(
        ("**/*.py",), description="Patterns of the files to pack, relative to the working directory."
    )
    code_excludes: ShellWords = Field((), description="Patterns of files that are not packed.")
    on_cancel: Literal["terminate", "leave"] = Field(
        "terminate",
        description="What happens to jobs when the workflow is cancelled or fails: `terminate` ends them, "
        "`leave` lets them run, for a later run to use their results.",
    )
    transfers: int = Field(16, ge=1, description="How many files are sent or fetched at once, at most.")


class RemoteSettings(RemoteJobSettings):
    """The options of `redun.remote.RemoteOptions`, described. Derive the model of an executor's section from it."""

    min_array_size: int = Field(
        5, ge=0, description="How many equal calls make a job array, at least. 0: no job arrays."
    )
    max_array_size: int = Field(1000, ge=1, description="How many jobs an array has, at most.")
    job_stale_time: float = Field(
        3.0, ge=0, description="Seconds for which no call may have been added to a job array before it is submitted."
    )

    @model_validator(mode="after")
    def _sizes_of_arrays(self) -> Any:
        if self.min_array_size and self.max_array_size < self.min_array_size:
            raise ValueError("max_array_size is less than min_array_size; min_array_size = 0 switches job arrays off")
        return self
