"""Every exception that redun raises on purpose.

They live at the bottom of the package so that any module can raise and catch them without an import cycle. A message
says what was given, where, and what would be right instead.
"""

from __future__ import annotations


class RedunError(Exception):
    """Base class of all errors raised by redun and its plugins."""


class UsageError(RedunError):
    """What the user asked for cannot be started: an unknown task, a missing script, a wrong argument."""


class ConfigError(UsageError):
    """A configuration file, section or option is wrong."""


class PluginError(RedunError):
    """A plugin is missing, broken or in conflict with another one."""


class SchedulerError(RedunError):
    """A workflow asks for something that the scheduler cannot do."""


class NoCurrentScheduler(SchedulerError):  # noqa: N818 - the name that workflows catch
    """Something needs a running scheduler, and none runs in this thread."""


class ExecutorError(RedunError):
    """An executor cannot run what it was given."""


class WorkerDiedError(ExecutorError):
    """The process that ran a job ended before it reported a result. The message says how: a signal or an exit code."""


class JobTimeoutError(ExecutorError, TimeoutError):
    """A job ran longer than its task option `job_timeout` allows."""


class BackendError(RedunError):
    """The repository cannot be read or written."""


class BackendVersionError(BackendError):
    """The repository was written by another, incompatible version of redun."""


class InvalidValueError(RedunError):
    """A value cannot be stored, or a stored value cannot be brought back."""


class InvalidArgumentError(InvalidValueError):
    """An argument of a call that is not made yet cannot be stored. The message names both."""


class ValueTypeError(RedunError, TypeError):
    """What is registered for a type of values is no class that could speak for them."""


FOREIGN_ERRORS = (Exception, SystemExit, GeneratorExit)
"""What is caught where methods of users' classes run within the engine: `sys.exit` there is no way to end a run."""


def describe_error(error: BaseException) -> str:
    """The class of an error and its text, in one line where the text is one. Never raises."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # a foreign __str__ may raise
        return f"{type(error).__name__}: (its text cannot be made)"
