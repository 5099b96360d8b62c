"""The configuration sections of the executors that come with redun-core."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class InlineSettings(BaseModel):
    """`type = inline`: runs tasks one after the other in the scheduler's own thread. It has no options."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AliasSettings(BaseModel):
    """`type = alias`: another name for an executor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = Field(min_length=1, description="Name of the executor that runs the tasks given to this one.")
