"""Running one call: finding the task and calling its body.

Every executor that runs Python uses `run_call`, in the scheduler's process, in a worker process or on another machine.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from redun.errors import ExecutorError, describe_error
from redun.source import import_workflow_module
from redun.task_registry import get_task_registry

if TYPE_CHECKING:
    from redun.executors.base import TaskCall, TaskTarget
    from redun.task import Task


_MAIN_MODULES = ("__main__", "__mp_main__")


def run_call(call: TaskCall) -> Any:
    """Run the body of the task of `call` and return what it returns.

    Raises whatever the body raises, and `ExecutorError` when the task cannot be found here or calls `sys.exit`: that
    ends a call, never the process it runs in.
    """
    return run_task(call.target, call.args, call.kwargs)


def run_task(target: TaskTarget, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the body of a task, as `run_call` does."""
    if target.is_async or target.is_script:
        kind = "is an async task, which runs on an event loop only" if target.is_async else "is a script task"
        raise ExecutorError(
            f"Task {target.full_name} {kind}, and its executor runs plain tasks here. "
            f"Choose an executor that supports {'async tasks' if target.is_async else 'scripts'}."
        )
    return call_body(find_task(target), target, args, kwargs)


def call_body(task: Task[..., Any], target: TaskTarget, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the function of a task. A `SystemExit` becomes an `ExecutorError`.

    A process that the function has forked, and that leaves it as well, ends here.
    """
    process = os.getpid()
    try:
        value = task.func(*args, **kwargs)
    except BaseException as error:
        if os.getpid() != process:
            _end_forked_process(error)
        if isinstance(error, SystemExit):
            raise exit_error(target, error) from error
        raise
    if os.getpid() != process:
        _end_forked_process(None)
    return value


def _end_forked_process(error: BaseException | None) -> NoReturn:
    """End a copy of this process. It would report the call a second time, and take calls that are not its own."""
    if error is not None and not isinstance(error, SystemExit):
        sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    code = error.code if isinstance(error, SystemExit) else error
    os._exit(code if isinstance(code, int) else int(code is not None))


def exit_error(target: TaskTarget, error: SystemExit) -> ExecutorError:
    """What a call fails with whose body called `sys.exit`."""
    return ExecutorError(
        f"Task {target.full_name} called sys.exit({_exit_code(error)}). "
        "A task ends by returning a value, or by raising an exception when it fails."
    )


def find_task(target: TaskTarget) -> Task[..., Any]:
    """The task that `target` names: the one already registered, or else found by importing its module.

    Raises `ExecutorError` when the module cannot be imported or does not define the task.
    """
    task = get_task_registry().get(target.full_name)
    if task is not None:
        return task
    _import_module_of(target)
    task = get_task_registry().get(target.full_name)
    if task is None:
        raise ExecutorError(
            f"Task {target.full_name} is not defined by module {target.load_module!r} ({_where(target)}). "
            f"{_advice(target)}"
        )
    return task


def check_same_code(task: Task[..., Any], target: TaskTarget) -> None:
    """Raise `ExecutorError` if a worker has imported other code than the workflow was started with.

    A file that was edited meanwhile would otherwise have its result recorded under the hash of the old code. Tasks of a
    main program are left out: it has another module name in a worker, which can be part of their hash. So are calls
    that name no hash.
    """
    if target.hash and target.load_module not in _MAIN_MODULES and not task.has_hash(target.hash):
        raise ExecutorError(
            f"The code of task {target.full_name} ({_where(target)}) was changed while the workflow ran, so its result "
            "would be recorded for code that did not make it. Run the workflow again."
        )


def add_import_paths(paths: tuple[str, ...]) -> None:
    """Put these folders in front of `sys.path`, keeping their order, where they are not on it yet."""
    missing = [path for path in paths if path not in sys.path]
    sys.path[:0] = missing


def _import_module_of(target: TaskTarget) -> None:
    add_import_paths(target.import_paths)
    try:
        import_workflow_module(target.load_module)
    except (Exception, SystemExit) as error:
        raise ExecutorError(
            f"Task {target.full_name} cannot be loaded: importing module {target.load_module!r} ({_where(target)}) "
            f"raised {describe_error(error)}. {_advice(target)}"
        ) from error


def _where(target: TaskTarget) -> str:
    module = sys.modules.get(target.load_module)
    file = getattr(module, "__file__", None)
    if file is not None:
        return f"file {file}"
    if target.load_module in _MAIN_MODULES:
        return "no file that can be imported: a program from standard input, of `python -c` or of a notebook"
    folders = ", ".join(path or "." for path in target.import_paths) or "none"
    return f"not loaded before; import paths of the workflow: {folders}"


def _advice(target: TaskTarget) -> str:
    if target.load_module in _MAIN_MODULES:
        return (
            "A task defined in the main program reaches no other process, except the workers of the local executor, "
            "if that program is a file that can be imported, with the call that starts redun under "
            '`if __name__ == "__main__":`. Move the task into a module, run the program with `redun run`, '
            'or use threads (mode="thread").'
        )
    return (
        "A worker process imports the module that defines a task: it must define the task at its top level, and it "
        "must be installed, on PYTHONPATH, or in the folder of the workflow's script. "
        "Use the task option `load_module` if another module registers the task."
    )


def _exit_code(error: SystemExit) -> str:
    return "" if error.code is None else repr(error.code)
