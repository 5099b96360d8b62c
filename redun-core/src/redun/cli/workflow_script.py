"""Importing the user's script, finding the task in it, and saying clearly what is wrong with either."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.cli.failures import CommandExit
from redun.errors import RedunError, UsageError
from redun.log_lines import printable
from redun.source import import_workflow_module
from redun.task_registry import get_task_registry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType, TracebackType

    from redun.task import Task

_OWN_FOLDER = str(Path(__file__).resolve().parent.parent)


def import_script(script: str) -> ModuleType:
    """Import a script by the name that was given: a `.py` file, else a dotted module.

    The folder of a file, or for a module the working directory, is put at the beginning of `sys.path`.

    Raises UsageError when there is no such script, CommandExit with the user's traceback when it does not import.
    """
    if script.endswith(".py"):
        return _import_file(Path(script))
    _check_module_name(script)
    _add_import_path(Path.cwd())
    try:
        spec = importlib.util.find_spec(script)
    except (ModuleNotFoundError, ValueError):
        spec = None
    except Exception as error:
        raise _import_failed(script, error) from error
    if spec is not None and spec.origin is None and Path(script).is_dir():
        # Python takes any folder for a package.
        raise UsageError(_is_folder(script))
    if spec is None and script not in sys.modules:
        hint = _hint_with_suffix(script)
        raise UsageError(f"no module {script!r}, and it is not the path of a .py file.{hint}")
    return _import_module(script, script)


def _check_module_name(script: str) -> None:
    """Raise UsageError for what cannot be a module but may be a path."""
    path = Path(script)
    is_name = all(part.isidentifier() for part in script.split("."))
    if path.is_file() and (path.suffix or not is_name):
        raise UsageError(f"script {script!r} is a file whose name does not end in .py")
    if is_name:
        return
    if path.is_dir():
        raise UsageError(_is_folder(script))
    if path.exists():
        raise UsageError(f"script {script!r} is not a regular file: name a .py file")
    if os.sep in script:
        raise UsageError(f"script {script!r} does not exist.{_hint_with_suffix(script)}")
    raise UsageError(f"no script {script!r}: it should be a .py file or the dotted name of a module")


def _is_folder(script: str) -> str:
    return f"script {script!r} is a folder: name a .py file in it"


def _hint_with_suffix(script: str) -> str:
    return f" Did you mean {script}.py?" if Path(f"{script}.py").is_file() else ""


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        from difflib import get_close_matches

        near = get_close_matches(path.stem, [one.stem for one in path.parent.glob("*.py")], n=1)
        hint = f" Did you mean {path.with_stem(near[0])}?" if near else ""
        raise UsageError(f"script {str(path)!r} does not exist.{hint}")
    if "." in path.stem:
        raise UsageError(f"script {str(path)!r} cannot be imported: its name has a dot before .py")
    _add_import_path(path.resolve().parent)
    loaded = sys.modules.get(path.stem)
    if loaded is not None and not _is_from(loaded, path):
        origin = getattr(loaded, "__file__", None) or "Python itself"
        raise UsageError(
            f"script {str(path)!r} cannot be imported as {path.stem!r}: a module of that name is loaded already, from "
            f"{origin}. Rename the script"
        )
    return _import_module(path.stem, str(path))


def _is_from(module: ModuleType, path: Path) -> bool:
    origin = getattr(module, "__file__", None)
    return origin is not None and Path(origin).resolve() == path.resolve()


def _import_module(name: str, script: str) -> ModuleType:
    try:
        return import_workflow_module(name)
    except SystemExit as error:
        raise UsageError(f"script {script!r} ended Python (exit code {error.code}) while it was imported") from error
    except Exception as error:
        raise _import_failed(script, error) from error


def _import_failed(script: str, error: Exception) -> Exception:
    own_frames = _user_frames(error.__traceback__)
    if isinstance(error, SyntaxError) and own_frames is None:
        return UsageError(_syntax_error(error))
    if isinstance(error, RedunError) and own_frames is None:
        return error
    return user_failure(f"script {script!r} cannot be imported", error)


def user_failure(what: str, error: Exception) -> CommandExit:
    """How to end when code of the user's failed before a workflow ran: with what failed and the user's own frames."""
    own_frames = _user_frames(error.__traceback__)
    problem = traceback.TracebackException(type(error), error, own_frames, compact=True)
    _drop_machinery(problem)
    text = "".join(problem.format()).rstrip("\n")
    return CommandExit(2, f"redun: error: {what}:\n{printable(text)}")


def _drop_machinery(problem: traceback.TracebackException | None) -> None:
    while problem is not None:
        problem.stack = traceback.StackSummary.from_list(
            [frame for frame in problem.stack if not _is_machinery(frame.filename)]
        )
        problem = problem.__cause__ or problem.__context__


def _syntax_error(error: SyntaxError) -> str:
    # Python's own rendering of the place, without its first line: that one comes in our form.
    place = "".join(traceback.format_exception_only(error)).splitlines()[1:-1]
    return "\n".join([f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}", *place])


def _user_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame on that is neither ours nor of the import machinery."""
    while frames is not None and _is_machinery(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def _is_machinery(filename: str) -> bool:
    return filename.startswith(("<frozen importlib", _OWN_FOLDER)) or "/importlib/" in filename


def _add_import_path(folder: Path) -> None:
    text = str(folder)
    if text in sys.path:
        sys.path.remove(text)
    sys.path.insert(0, text)


def find_task(name: str, module: ModuleType) -> Task[..., Any]:
    """The task that a name means: a full name, a name in the script's namespace, or of a task that the script defines.

    Raises UsageError, with names that come near.
    """
    registry = get_task_registry()
    namespace = getattr(module, "redun_namespace", None)
    candidates = [name] if "." in name or not namespace else [f"{namespace}.{name}", name]
    for candidate in candidates:
        task = registry.get(candidate)
        if task is not None:
            return task
    in_script = [task for task in user_tasks() if task.name == name and task.load_module == module.__name__]
    if len(in_script) == 1:
        return in_script[0]
    raise UsageError(_unknown_task(name, [task.fullname for task in user_tasks()]))


def user_tasks() -> list[Task[..., Any]]:
    """All registered tasks but redun's own, by full name."""
    tasks: Iterable[Task[..., Any]] = get_task_registry()
    return sorted(
        (task for task in tasks if task.namespace.partition(".")[0] != "redun"), key=lambda task: task.fullname
    )


def _unknown_task(name: str, known: list[str]) -> str:
    if not known:
        return f"no task {name!r}: the script defines no tasks. A task is a function with the decorator @task()"
    from difflib import get_close_matches

    by_short_name = {full_name.rpartition(".")[2]: full_name for full_name in known}
    near = get_close_matches(name, known, n=3) or [
        by_short_name[short] for short in get_close_matches(name.rpartition(".")[2], by_short_name, n=3)
    ]
    if near:
        return f"no task {name!r}. Did you mean {' or '.join(near)}?"
    shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
    return f"no task {name!r}. The script has: {shown}"
