"""The configuration section and the task options of the local executor."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from redun_executor_local.options import (
    DEFAULT_MAX_WORKERS,
    DEFAULT_MODE,
    DEFAULT_START_METHOD,
    PROCESS,
    THREAD,
)


def _accept_older_words(value: Any) -> Any:
    return {"threads": THREAD, "processes": PROCESS}.get(value, value) if isinstance(value, str) else value


Mode = Annotated[Literal["thread", "process"], BeforeValidator(_accept_older_words)]


class LocalSettings(BaseModel):
    """`type = local`: runs tasks on this machine, in threads or in processes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = Field(
        DEFAULT_MODE,
        description="Run tasks in threads of the scheduler's process (`thread`) or in worker processes (`process`).",
    )
    max_workers: int = Field(DEFAULT_MAX_WORKERS, ge=1, description="How many tasks run at once, at most.")
    start_method: Literal["fork", "spawn", "forkserver"] = Field(
        DEFAULT_START_METHOD,
        description="How worker processes start. `fork` copies a process that has threads, and may deadlock.",
    )
    scratch: str | None = Field(
        None,
        description="Folder for the temporary files of scripts, relative to the configuration directory. By default "
        "that of the system.",
    )


class LocalTaskOptions(BaseModel):
    """What a task may ask of the local executor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode | None = Field(
        None, description="Run this task in a thread or in a process, whatever the executor's mode."
    )
