"""Executors by the class names that workflows know, made by whichever plugin provides their type.

`LocalExecutor("small", mode="process", max_workers=4)` is what a section `[executors.small]` with `type = local` and
these options is. What the names stand for is looked up when one is called, so that this imports no plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import PluginError
from redun.executors.base import Executor

if TYPE_CHECKING:
    from collections.abc import Mapping

EXECUTOR_TYPES = {
    "AWSBatchExecutor": "aws_batch",
    "AWSGlueExecutor": "aws_glue",
    "DockerExecutor": "docker",
    "GCPBatchExecutor": "gcp_batch",
    "K8SExecutor": "k8s",
    "LocalExecutor": "local",
}
"""What users write as `type` for each of these classes."""


class ExecutorNotInstalled(PluginError, ImportError):  # noqa: N818 - it is caught by its base classes
    """No installed plugin provides an executor. An ImportError as well, because workflows may catch that."""


class ExecutorClass:
    """Stands for the class of executors of one type. It can be called, asked `isinstance`, and subclassed.

    name: what workflows call the class. type_name: what `type` is in `redun.ini`.
    """

    def __init__(self, name: str, type_name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self.type_name = type_name

    def __call__(
        self,
        name: str,
        scheduler: object = None,  # noqa: ARG002 - no executor is given one
        config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Executor:
        """An executor for `Scheduler.add_executor`, or for the argument `executor` of `Scheduler`.

        scheduler: accepted for workflows that pass it on; `add_executor` is what counts.
        config: options as a section of `redun.ini` would set them.
        options: the same, as texts or as values. They win.

        Raises `ExecutorNotInstalled`, which says what to install, and `ConfigError` for wrong options.
        """
        from redun.config.build import make_executor_of_type

        self.resolve()
        return make_executor_of_type(self.type_name, name, config if config is not None else {}, options)

    def resolve(self) -> Any:
        """What the plugin makes such executors with: a class, or a function.

        Raises `ExecutorNotInstalled`, which says what to install.
        """
        from redun.plugins import get_plugins, resolve

        try:
            kind = get_plugins().executor_type(self.type_name)
        except PluginError as error:
            raise ExecutorNotInstalled(f'{self.__name__}, the executor of type "{self.type_name}": {error}') from None
        return resolve(kind.factory)

    def __instancecheck__(self, instance: object) -> bool:
        if not isinstance(instance, Executor):
            return False
        made_by = self.resolve()
        return isinstance(made_by, type) and isinstance(instance, made_by)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.resolve(),)

    def __repr__(self) -> str:
        return f"<executors of type {self.type_name}: {self.__name__}>"


_classes = {name: ExecutorClass(name, type_name) for name, type_name in EXECUTOR_TYPES.items()}


def __getattr__(name: str) -> Any:
    if name not in _classes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _classes[name]


def installed_class(module: str, wanted: str, name: str) -> ExecutorClass:
    """For the `__getattr__` of the modules that workflows import one of these classes from.

    Raises `ExecutorNotInstalled` where the plugin is missing, so that `import` fails as it does where a library is.
    """
    if name != wanted:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    found = _classes[name]
    found.resolve()
    return found


if TYPE_CHECKING:
    # For type checkers these are classes. A plugin's own class says more, and need not be installed.
    class _Made(Executor):
        def __init__(
            self, name: str, scheduler: object = None, config: Mapping[str, Any] | None = None, **options: Any
        ) -> None: ...
        def start(self, context: Any, sink: Any) -> None: ...
        def submit(self, calls: Any) -> None: ...
        def stop(self) -> None: ...

    class AWSBatchExecutor(_Made):
        """Runs tasks on AWS Batch."""

    class AWSGlueExecutor(_Made):
        """Runs tasks on AWS Glue."""

    class DockerExecutor(_Made):
        """Runs tasks in Docker containers."""

    class GCPBatchExecutor(_Made):
        """Runs tasks on Google Batch."""

    class K8SExecutor(_Made):
        """Runs tasks on Kubernetes."""

    class LocalExecutor(_Made):
        """Runs tasks in threads or processes of this machine."""
