"""What the core itself registers, through the same hooks as every plugin."""

from __future__ import annotations

from redun.plugins.descriptors import BackendType, ConfigSection, ExecutorType
from redun.plugins.hookspecs import hookimpl

REDUN_PLUGIN_API = (1, 0)


@hookimpl
def redun_register_executors() -> list[ExecutorType]:
    """`inline` and `alias`."""
    return [
        ExecutorType(
            name="inline",
            factory="redun.executors.inline:InlineExecutor",
            settings="redun.executors.settings:InlineSettings",
            summary="Runs tasks one after the other in the scheduler's own thread",
        ),
        ExecutorType(
            name="alias",
            factory="redun.executors.alias:AliasExecutor",
            settings="redun.executors.settings:AliasSettings",
            summary="Another name for an executor",
        ),
    ]


@hookimpl
def redun_register_backends() -> list[BackendType]:
    """`memory`."""
    return [
        BackendType(
            name="memory",
            schemes=("memory",),
            factory="redun.backends.memory:MemoryBackend",
            settings="redun.config.sections:MemorySettings",
            summary="Keeps results until the process ends",
        ),
    ]


@hookimpl
def redun_register_config_sections() -> list[ConfigSection]:
    """The sections that the core reads."""
    sections = "redun.config.sections"
    return [
        ConfigSection("scheduler", f"{sections}:SchedulerSection", "How workflows are run"),
        ConfigSection("limits", f"{sections}:LimitsSection", "How much of a resource tasks may use at the same time"),
        ConfigSection("tags", f"{sections}:TagsSection", "Tags for every execution"),
        ConfigSection("repos.*", f"{sections}:RepoSection", "Other repositories, for push, pull and `--repo NAME`"),
        ConfigSection(
            "federated_tasks.*",
            f"{sections}:FederatedTaskSection",
            "Tasks that other repositories publish",
        ),
    ]
