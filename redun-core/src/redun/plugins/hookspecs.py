"""The hooks that a plugin may implement.

Every hook's docstring says when it is called, what it is given, what it returns, whether the results of all plugins
count or the first one, and which version of redun added it. Arguments are only ever added within a major version; an
implementation may leave out those that it does not use.

Importing this module costs one import of pluggy and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.plugins.descriptors import (
        BackendType,
        Command,
        ConfigSection,
        ExecutionInfo,
        ExecutorType,
        FileSystemType,
        JobObserver,
        ValueType,
    )

hookspec = pluggy.HookspecMarker("redun")
hookimpl = pluggy.HookimplMarker("redun")


# -- while plugins are registered -------------------------------------------------------------------------------------


@hookspec
def redun_register_executors() -> list[ExecutorType]:  # type: ignore[empty-body]
    """The kinds of executors that this plugin provides.

    Called once a process, when an executor type is first looked up: at the start of a run, by `redun plugins` and by
    `redun config`. Takes no arguments.

    Result: a list of `ExecutorType`. The results of all plugins count. A name that two distributions provide is an
    error for whoever uses that name.

    Added in 0.1.
    """


@hookspec
def redun_register_backends() -> list[BackendType]:  # type: ignore[empty-body]
    """The kinds of repositories that this plugin provides.

    Called once a process, when a repository is first opened. Takes no arguments.

    Result: a list of `BackendType`. The results of all plugins count. A name or scheme that two distributions provide
    is an error for whoever uses it.

    Added in 0.1.
    """


@hookspec
def redun_register_config_sections() -> list[ConfigSection]:  # type: ignore[empty-body]
    """The sections of `redun.ini` that this plugin reads, besides `[executors.*]` and `[backend]`.

    Called once a process, before such sections are first validated. Takes no arguments.

    Result: a list of `ConfigSection`. The results of all plugins count.

    Added in 0.1.
    """


@hookspec
def redun_register_commands() -> list[Command]:  # type: ignore[empty-body]
    """The sub-commands that this plugin adds to `redun`.

    Called when `redun` is started with a command that is not built in, or shows its list of commands. Takes no
    arguments.

    Result: a list of `Command`. The results of all plugins count; a built-in command cannot be replaced.

    Added in 0.1.
    """


@hookspec
def redun_register_filesystems() -> list[FileSystemType]:  # type: ignore[empty-body]
    """The filesystems that this plugin provides.

    Called once a process, when a file with a URL scheme that is not yet known is first used. Takes no arguments.

    Result: a list of `FileSystemType`. The results of all plugins count. A scheme that two distributions provide is an
    error for whoever uses it.

    Added in 0.1.
    """


@hookspec
def redun_register_value_types() -> list[ValueType]:  # type: ignore[empty-body]
    """The Python types that this plugin knows how to hash, store and parse.

    Called once a process, when a value of a type that is not built in is first encoded or decoded. Takes no arguments.

    Result: a list of `ValueType`. The results of all plugins count.

    Added in 0.1.
    """


# -- while a workflow runs --------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def redun_resolve_secret(name: str, config: Mapping[str, Mapping[str, str]]) -> Mapping[str, str] | None:
    """The content of a named secret.

    Called when a repository is opened whose configuration names a secret (`db_aws_secret_name`).

    name: the secret's name, as the configuration gives it.
    config: the configuration by section, with secrets masked. For reading only.

    Result: the fields of the secret by name (for a database `engine`, `username`, `password`, `host`, `port`,
    `dbname`), or None when this plugin does not keep secrets of that name. The first result that is not None counts. An
    error ends the command.

    Added in 0.1.
    """


@hookspec
def redun_execution_tags(config: Mapping[str, Mapping[str, str]]) -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Tags for the execution that is about to begin.

    Called once a run, on a thread of its own. What takes longer than a short time limit is left out.

    config: the configuration by section, with secrets masked. For reading only.

    Result: tag values by key: anything that JSON can say. The results of all plugins count.

    Added in 0.1.
    """


@hookspec
def redun_job_observers(  # type: ignore[empty-body]
    config: Mapping[str, Mapping[str, str]], execution: ExecutionInfo
) -> list[JobObserver]:
    """Observers of the jobs of the execution that is about to begin.

    Called once a run.

    config: the configuration by section, with secrets masked. For reading only.
    execution: which execution it is.

    Result: a list of `JobObserver`. The results of all plugins count.

    Added in 0.1.
    """


# -- while results are shown ------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def redun_render_value(value: Any) -> str | None:
    """How a value is shown to a person.

    Called by commands that display values, never during a run.

    value: the value, already brought back from its stored form.

    Result: a text, or None to leave it to others. The first result that is not None counts.

    Added in 0.1.
    """
