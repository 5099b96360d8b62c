"""The settings models of the core's own sections."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from redun.config.nearest import did_you_mean
from redun.config.scheduler_settings import JOB_STATUS_INTERVAL, KINDS_OF_WARNINGS
from redun.config.settings import JsonObject, Lines, OpenSettings, Settings, Words


class SchedulerSection(Settings):
    """How workflows are run."""

    ignore_warnings: Words = Field(
        default=(),
        description="Kinds of warnings that are not shown, separated by white space. Known: `namespace` (a task "
        "without a namespace).",
    )
    setup_scheduler: str | None = Field(
        default=None,
        description="The function that makes the scheduler, as `file_or_module::function`: a file relative to "
        "`redun.ini`, such as `../workflow.py::setup_scheduler`, or a dotted module name. It is called with the "
        "configuration, and with what `--setup name=value` gives on the command line; it returns a `Scheduler`.",
    )
    job_status_interval: int = Field(
        default=JOB_STATUS_INTERVAL,
        description="Seconds between displays of the job status table. 0 or less: never.",
    )
    hash_helpers: bool = Field(
        default=False,
        description="Whether an edit of a plain function of the user's own modules runs the tasks again that call it, "
        "for tasks that have neither a version nor the option `hash_helpers` themselves.",
    )
    context: JsonObject | None = Field(
        default=None,
        description="The context that every execution begins with: a JSON object. `get_context` finds it.",
    )
    context_file: str | None = Field(
        default=None,
        description="A file with the context, relative to the configuration directory. Not together with `context`.",
    )
    federated_configs: Lines = Field(
        default=(),
        description="Configuration directories whose executors and federated tasks are added to this configuration, "
        "one a line.",
    )
    boto_config: JsonObject | None = Field(
        default=None,
        description="Options for the clients of AWS services (botocore's `Config`): a JSON object. Used by redun-aws.",
    )

    @field_validator("ignore_warnings")
    @classmethod
    def _are_kinds_of_warnings(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if word not in KINDS_OF_WARNINGS:
                known = ", ".join(KINDS_OF_WARNINGS)
                raise ValueError(
                    f"{word} is no kind of warning{did_you_mean(word, KINDS_OF_WARNINGS) or '.'} Known: {known}"
                )
        return value

    @field_validator("setup_scheduler")
    @classmethod
    def _names_a_function(cls, value: str | None) -> str | None:
        if value and not all(part.strip() for part in value.partition("::")):
            raise ValueError("write it as file_or_module::function, such as ../workflow.py::setup_scheduler")
        return value

    @model_validator(mode="after")
    def _one_context(self) -> SchedulerSection:
        if self.context is not None and self.context_file is not None:
            raise ValueError("context and context_file cannot both be set")
        return self


class LimitsSection(OpenSettings):
    """How much of each resource tasks may use at the same time: `name = whole number`, not negative."""

    __pydantic_extra__: dict[str, Annotated[int, Field(ge=0)]]


class TagsSection(OpenSettings):
    """Tags that every execution gets: `name = value`."""

    __pydantic_extra__: dict[str, str]


class RepoSection(Settings):
    """Another repository, for push, pull and `--repo NAME`."""

    config_dir: str = Field(description="The configuration directory of that repository, relative to this one.")


class FederatedTaskSection(OpenSettings):
    """A task that another repository publishes. Further options are task options of the sub-run."""

    __pydantic_extra__: dict[str, Any]

    namespace: str = Field(description="The namespace of the task.")
    task_name: str = Field(description="The name of the task in its namespace.")
    load_module: str = Field(description="The module whose import defines the task.")
    executor: str = Field(description="The executor that the sub-run is started on.")
    config_dir: str = Field(description="The configuration directory that the sub-run uses.")
    task_signature: str | None = Field(default=None, description="The signature of the task, for readers.")
    description: str | None = Field(default=None, description="What the task does, for readers.")
    new_execution: bool = Field(
        default=False, description="Whether the sub-run is recorded as an execution of its own."
    )


class MemorySettings(Settings):
    """The repository that is forgotten at the end of the process."""

    db_uri: str = Field(default="memory://", description="`memory://`")
