"""What a plugin says about the things it provides.

Descriptors are small and immutable, and making one imports nothing: whatever is heavy is named by a
`"module:attribute"` string that is imported when it is first used (`redun.plugins.references`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class ExecutorType:
    """A kind of executor: what users select with `type = <name>` in an `[executors.*]` section.

    What such an executor can do is declared by `Executor.capabilities` of what the factory makes.
    """

    name: str
    """The word that users write. By convention also the name of the entry point."""
    factory: str
    """Names a callable `factory(name, **options) -> Executor`, called with the options that the section sets."""
    settings: str | None = None
    """Names the pydantic model of the section's options, without `type`. None: the section takes no options."""
    task_options: str | None = None
    """Names the pydantic model of the options that a task may give this executor. None: they are not checked."""
    summary: str = ""
    """One line for `redun plugins` and the reference documentation."""


@dataclass(frozen=True, slots=True)
class BackendType:
    """A kind of repository: selected by the scheme of `db_uri` in the `[backend]` section."""

    name: str
    schemes: tuple[str, ...]
    """The schemes of `db_uri` that this backend serves, without `+driver`."""
    factory: str
    """Names a callable `factory(config_dir, **options) -> Backend`, called with the options that the section sets."""
    settings: str | None = None
    """Names the pydantic model of the `[backend]` section for this backend."""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ConfigSection:
    """A section of `redun.ini` that a plugin reads."""

    name: str
    """The section's name; `name.*` stands for every section whose name begins with `name.`."""
    settings: str
    """Names the pydantic model of its options."""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command of `redun`."""

    name: str
    command: str
    """Names the click command or group, imported when the command is called or its help is shown."""
    summary: str = ""
    """One line for `redun --help`, shown without importing the command."""


@dataclass(frozen=True, slots=True)
class FileSystemType:
    """A filesystem for `File`, `Dir` and `FileSet`."""

    schemes: tuple[str, ...]
    """The URL schemes that it serves, such as `("s3",)`."""
    factory: str
    """Names a callable without arguments that makes the filesystem. Called once a process."""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ValueType:
    """How values of a type that is not redun's are hashed, stored and parsed."""

    type_name: str
    """The qualified name of the type, such as `pandas.DataFrame`; it is compared with the name of a value's class, so
    that nothing is imported before such a value turns up."""
    proxy: str
    """Names the `ProxyValue` class for it."""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ExecutionInfo:
    """What a hook may know about the execution that it is asked about."""

    execution_id: str
    project: str
    task_name: str
    """Full name of the root task."""


class JobObserver(Protocol):
    """Is told what happens to jobs: for progress bars, tracing, notifications."""

    def handle(self, events: Sequence[Any]) -> None:
        """Take the next events (`redun.scheduler.events.JobEvent`), in order.

        Called with batches. An observer that raises is disabled for the rest of the run, with one warning.
        """
