"""How a call and its outcome cross a process boundary.

A call travels as two pickles in one message, first what to load, then the arguments: the module of the task is
imported, with the workflow's import paths, before arguments that may need its classes are unpickled. An outcome
travels as one letter and a pickle. Whatever cannot be pickled becomes an error of that one call, with a message that
names the task and the culprit.
"""

from __future__ import annotations

import inspect
import io
import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.errors import ExecutorError, RedunError, describe_error
from redun.executors import calls
from redun.plugins.connect import connect_filesystems
from redun.task_registry import get_task_registry
from redun.traceback import format_error
from redun.types import pickling
from redun.types.exceptions import Pickler, portable_error
from redun.value import hash_value

if TYPE_CHECKING:
    from redun.executors.base import TaskCall, TaskTarget

PROTOCOL = 5
_RETURNED = b"R"
_RAISED = b"E"
_HIDDEN = ("redun.executors", "redun.scheduler", "redun.source", "importlib")
"""What leads to the bodies of tasks, some of which are in other modules of redun."""


class RemoteTaskError(ExecutorError):
    """Stands for an exception that could not itself be brought back from the process in which a task raised it.

    message: what the exception was and why it could not be sent.
    original: its `repr`.
    traceback_text: its traceback, formatted where it was raised.
    """

    def __init__(self, message: str, original: str, traceback_text: str) -> None:
        super().__init__(message, original, traceback_text)
        self.original = original
        self.traceback_text = traceback_text

    def __str__(self) -> str:
        return str(self.args[0])


class Returned(NamedTuple):
    """The body of a task returned this value."""

    value: Any


class Raised(NamedTuple):
    """The body of a task raised this error, or could not be run."""

    error: BaseException
    traceback: str | None


Outcome = Returned | Raised
"""How the body of a task ended."""


def encode_call(call: TaskCall) -> bytes:
    """The message that carries this call. Raises `ExecutorError`, naming the argument, if one cannot be pickled."""
    buffer = io.BytesIO()
    pickle.dump(call.target, buffer, PROTOCOL)
    try:
        _dump_into(buffer, (call.args, call.kwargs))
    except Exception as error:
        raise ExecutorError(_describe_bad_argument(call, error)) from error
    return buffer.getvalue()


def _dump_into(buffer: io.BytesIO, value: Any) -> None:
    """Pickle a value; with the stored form of what can be stored but not pickled, such as a table with objects."""
    start = buffer.tell()
    try:
        Pickler(buffer, PROTOCOL).dump(value)
    except Exception as error:
        try:
            hash_value(value)  # which finds out what speaks for the classes in it
            data = pickling.dump(value)
        except RedunError:
            raise error from None
        buffer.seek(start)
        buffer.truncate()
        buffer.write(data)


def run_encoded_call(message: bytes) -> bytes:
    """Run the call that came in this message, and return the message that carries its outcome. Never raises."""
    full_name = "of unknown name"
    try:
        stream = io.BytesIO(message)
        target: TaskTarget = pickle.load(stream)
        full_name = target.full_name
        connect_filesystems()
        calls.check_same_code(calls.find_task(target), target)
        args, kwargs = _load_arguments(target, stream)
        value = calls.run_task(target, args, kwargs)
        return _encode_value(full_name, value)
    except BaseException as error:
        return _encode_error(error)


def decode_outcome(full_name: str, message: bytes) -> Outcome:
    """What the message says happened to a call of the task of this name. Never raises."""
    payload = memoryview(message)[1:]
    if message[:1] == _RETURNED:
        try:
            return Returned(pickle.loads(payload))
        except Exception as error:
            failure = ExecutorError(
                f"The result of task {full_name} came back from its process but cannot be unpickled here: "
                f"{describe_error(error)}"
            )
            failure.__cause__ = error
            return Raised(failure, None)
    pickled, original, text = pickle.loads(payload)
    raised = _load_error(full_name, pickled, original, text)
    if isinstance(raised, RemoteTaskError):
        text = f"{text.rstrip()}\n\n{type(raised).__name__}: {raised}\n"  # why the error itself is not there
    return Raised(raised, text)


def is_success(message: bytes) -> bool:
    """Whether the message says that a call has returned a value."""
    return message[:1] == _RETURNED


def failed_outcome(error: BaseException) -> bytes:
    """The message that says that a call failed with this error."""
    return _encode_error(error)


def error_text(message: bytes) -> str:
    """The formatted traceback in a message that says that a call failed."""
    text: str = pickle.loads(memoryview(message)[1:])[2]
    return text


def _load_arguments(target: TaskTarget, stream: io.BytesIO) -> tuple[tuple[Any, ...], dict[str, Any]]:
    try:
        args, kwargs = pickle.load(stream)
    except Exception as error:
        raise ExecutorError(
            f"The arguments of task {target.full_name} cannot be unpickled in the process that runs it: "
            f"{describe_error(error)}. Classes of arguments must be importable there."
        ) from error
    return args, kwargs


def _encode_value(full_name: str, value: Any) -> bytes:
    buffer = io.BytesIO()
    buffer.write(_RETURNED)
    try:
        _dump_into(buffer, value)
    except Exception as error:
        raise ExecutorError(
            f"Task {full_name} returned a {_type_name(value)} that cannot be pickled, so it cannot be sent back from "
            f'its process: {describe_error(error)}. Return plain data, or run the task with mode="thread".'
        ) from error
    return buffer.getvalue()


def _encode_error(error: BaseException) -> bytes:
    text = format_error(error, _HIDDEN)
    original = _safe_repr(error)
    portable = portable_error(error, _can_travel)
    pickled = None if portable is None else _dump(portable)
    buffer = io.BytesIO()
    buffer.write(_RAISED)
    pickle.dump((pickled, original, text), buffer, PROTOCOL)
    return buffer.getvalue()


def _load_error(full_name: str, pickled: bytes | None, original: str, text: str) -> BaseException:
    if pickled is not None:
        try:  # its class may be another one here, or none
            error = pickle.loads(pickled)
        except Exception:
            error = None
        if isinstance(error, BaseException):
            return error
    return RemoteTaskError(
        f"Task {full_name} raised {original}, which cannot be pickled and brought back.", original, text
    )


def _describe_bad_argument(call: TaskCall, error: Exception) -> str:
    name, value = _find_bad_argument(call)
    return (
        f"{name} of task {call.target.full_name}, a {_type_name(value)}, cannot be sent to another process: "
        f"pickling it raised {describe_error(error)}. "
        'Pass plain data, or run the task with mode="thread".'
    )


def _find_bad_argument(call: TaskCall) -> tuple[str, Any]:
    names = _parameter_names(call.target.full_name)
    for position, value in enumerate(call.args):
        if not _can_pickle(value):
            name = f"Argument {names[position]!r}" if position < len(names) else f"Positional argument {position + 1}"
            return name, value
    for key, value in call.kwargs.items():
        if not _can_pickle(value):
            return f"Argument {key!r}", value
    return "An argument", (call.args, call.kwargs)


def _parameter_names(full_name: str) -> list[str]:
    """The names of the parameters that take one positional argument each."""
    task = get_task_registry().get(full_name)
    if task is None:
        return []
    single = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in task.signature.parameters.values() if parameter.kind in single]


def _can_pickle(value: Any) -> bool:
    try:
        _dump(value)
    except Exception:
        return False
    return True


def _can_travel(value: Any) -> bool:
    try:
        pickle.loads(_dump(value))
    except Exception:
        return False
    return True


def _dump(value: Any) -> bytes:
    buffer = io.BytesIO()
    _dump_into(buffer, value)
    return buffer.getvalue()


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _safe_repr(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:
        return f"a {_type_name(error)} whose repr fails"
