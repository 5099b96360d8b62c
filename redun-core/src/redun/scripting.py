"""Running shell scripts as tasks, with the files that go in and come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun import nested
from redun.cache_options import CacheResult
from redun.executors.scripts import ScriptError, ScriptProcess
from redun.expression import Expression
from redun.file import Dir, File, FileSet, Staging
from redun.file.shell_copy import PIPE, is_relative, quote_path, shell_copy
from redun.shell import (
    DEFAULT_SHELL,
    command_text,
    get_command_eof,
    get_task_command,
    get_wrapped_command,
    prepare_command,
    temporary_folder,
)
from redun.task import task
from redun.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "DEFAULT_SHELL",
    "ScriptError",
    "exec_script",
    "get_command_eof",
    "get_task_command",
    "get_wrapped_command",
    "postprocess_script",
    "prepare_command",
    "script",
    "script_task",
]

_STDOUT: Any = object()
_OUTER_SHELL = "#!/usr/bin/env bash\nset -eo pipefail"
_WHERE_IT_BEGAN = '"$OLDPWD"'


class _LaterFileSet(Value):
    """The files that will match a pattern when a script has ended, whatever matches it now."""

    type_name = "redun.LaterFileSet"

    def __init__(self, family: type[FileSet], pattern: str) -> None:
        self.family = family
        self.pattern = pattern


def script(
    command: str | Sequence[str],
    inputs: Any = (),
    outputs: Any = _STDOUT,
    tempdir: bool = False,
    as_mount: bool = False,
    **task_options: Any,
) -> Any:
    """Run a shell script, with files brought to it and taken from it.

    command: the text of the script, which bash runs unless its first line says otherwise (`#!/usr/bin/env python3`),
        or the words of one command.
    inputs: the files that the script reads, in containers of any shape: `File("s3://b/k").stage("k")` is copied to the
        local path `k` first; a plain `File` or `Dir` is where the script expects it. The script runs again when one of
        them has changed.
    outputs: what the result is made of, in the same shape: `File("s3://b/k").stage("k")` is copied from the local path
        `k` when the script has ended, and the result has the file `s3://b/k`; a plain `File`, `Dir` or `FileSet` is
        where the script has left it; `File("-")`, the default, becomes what the script has written to stdout, as bytes;
        other values stay as they are. The script runs again when one of the files is missing or has changed.
    tempdir: run it in a new folder, on whatever machine that is, which is removed afterwards. Relative local paths mean
        this folder; those of files that are kept there, the folder that it was started from.
    as_mount: read and write remote files where their store is mounted.
    task_options: options of the task that runs the script, such as `executor` and `memory`.

    Gives a lazy expression. The call fails with `ScriptError` if a command of the script fails.

    Raises TypeError for a command or an input that is none, and ValueError for a script that has a NUL character.
    """
    if any(isinstance(leaf, Expression) for leaf in nested.iter_leaves((command, inputs, outputs))):
        shape = File(PIPE) if outputs is _STDOUT else outputs
        return _script_of_expressions(command, inputs, shape, tempdir, as_mount, task_options)
    text = command_text(command)
    if "\0" in text:
        raise ValueError("a script cannot have NUL characters")
    base = _WHERE_IT_BEGAN if tempdir else ""
    staged_outputs = nested.map_leaves(_as_output, File(PIPE) if outputs is _STDOUT else outputs)
    stage = [_stage_command(leaf, as_mount, base) for leaf in _files_in(inputs)]
    unstage = [
        _unstage_command(leaf, as_mount, base)
        for leaf in nested.iter_leaves(staged_outputs)
        if isinstance(leaf, Staging) and not _is_stdout(leaf)
    ]
    called = _script
    # The wish not to use earlier results is about the script as a whole.
    own_options = {name: task_options[name] for name in ("cache", "cache_scope") if name in task_options}
    if own_options:
        called = called.options(**own_options)
    kept_inputs = nested.map_leaves(_as_input, inputs)
    staging = [[line for line in lines if line] for lines in (stage, unstage)]
    return called(text, kept_inputs, staged_outputs, staging, tempdir, task_options)


@task(namespace="redun", version="1", executor="inline")
def _script_of_expressions(
    command: Any, inputs: Any, outputs: Any, tempdir: bool, as_mount: bool, task_options: dict[str, Any]
) -> Any:
    """A script whose command, inputs or outputs were not known yet."""
    return script(command, inputs, outputs, tempdir, as_mount, **task_options)


@task(namespace="redun", name="script", version="1", check_valid="shallow", executor="inline")
def _script(
    command: str, inputs: Any, outputs: Any, staging: list[list[str]], tempdir: bool, task_options: dict[str, Any]
) -> Any:
    stage, unstage = staging
    lines = [_OUTER_SHELL]
    if tempdir:
        lines += [temporary_folder("redun_tempdir"), 'cd "$redun_tempdir"']
    lines += [*stage, get_wrapped_command(prepare_command(command)), *unstage]
    stdout = script_task.options(**task_options)("\n".join(lines), inputs, outputs)
    return postprocess_script(stdout, outputs)


@task(namespace="redun", version="1", script=True, allowed_cache_results={CacheResult.CSE})
def script_task(command: str, inputs: Any = None, outputs: Any = None) -> Any:  # noqa: ARG001
    """Run a script. Gives what it writes to stdout, as bytes.

    An earlier output from the repository is never used: it says nothing of the files that the script should leave.

    inputs, outputs: what tells apart scripts of the same text.
    """
    return command


@task(namespace="redun", version="1")
def postprocess_script(result: bytes, outputs: Any) -> Any:
    """The outputs of a script, with stdout and the files as they are now in their places."""
    return nested.map_leaves(lambda leaf: _result_of(leaf, result), outputs)


def exec_script(command: str) -> bytes:
    """Run a script, as `prepare_command` makes it, here and now. Gives what it writes to stdout.

    Raises `ScriptError` if it does not exit with 0.
    """
    return ScriptProcess().run(command)


def _files_in(inputs: Any) -> Iterator[Any]:
    """What stands in containers; the keys of dicts are only names."""
    if isinstance(inputs, dict):
        inputs = list(inputs.values())
    if not nested.is_container(inputs):
        yield inputs
        return
    for item in nested.children(inputs):
        yield from _files_in(item)


def _as_output(leaf: Any) -> Any:
    """A file as one that is left where it is kept: what it was before the script ran is nothing to go by."""
    if isinstance(leaf, (File, Dir)):
        return leaf.staging_class(leaf.path, leaf.path)
    return _LaterFileSet(type(leaf), leaf.pattern) if isinstance(leaf, FileSet) else leaf


def _as_input(leaf: Any) -> Any:
    return leaf.remote if isinstance(leaf, Staging) else leaf


def _is_stdout(leaf: Staging[Any]) -> bool:
    return bool(leaf.remote.path == PIPE)


def _result_of(leaf: Any, stdout: bytes) -> Any:
    if isinstance(leaf, _LaterFileSet):
        return leaf.family(leaf.pattern)
    if not isinstance(leaf, Staging):
        return leaf
    if _is_stdout(leaf):
        return stdout
    leaf.remote.update_hash()
    return leaf.remote


def _stage_command(leaf: Any, as_mount: bool, base: str) -> str:
    """How an input comes to where the script expects it."""
    if isinstance(leaf, (File, Dir)):
        leaf = leaf.staging_class(leaf.path, leaf.path)
    elif isinstance(leaf, FileSet):
        return ""
    if not isinstance(leaf, Staging):
        raise TypeError(f"an input of a script must be a file or directory, perhaps staged, not {leaf!r}")
    if not base or not is_relative(leaf.remote.path):
        return leaf.render_stage(as_mount)
    return shell_copy(leaf.remote.path, leaf.local.path, recursive=leaf.is_directory, source_base=base)


def _unstage_command(leaf: Staging[Any], as_mount: bool, base: str) -> str:
    """How an output gets to where it is kept."""
    local, remote = leaf.local.path, leaf.remote.path
    if not base or not is_relative(remote):
        return leaf.render_unstage(as_mount)
    copy = shell_copy(local, remote, recursive=leaf.is_directory, target_base=base)
    # A script may as well have put the file where it belongs.
    return f"if [ -e {quote_path(local)} ]; then {copy}; fi" if local == remote else copy
