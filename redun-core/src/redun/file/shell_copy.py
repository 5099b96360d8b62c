"""Shell commands that copy files: what a script does before and after its own work."""

from __future__ import annotations

import shlex

from redun.file.filesystem import get_filesystem, get_proto

PIPE = "-"
"""In the place of a path: what comes in on stdin, or goes out on stdout."""


def shell_copy(
    source: str | None,
    target: str | None,
    *,
    recursive: bool = False,
    as_mount: bool = False,
    source_base: str = "",
    target_base: str = "",
) -> str:
    """A shell command that copies a file, or with `recursive` the content of a directory.

    source, target: paths or URLs; None, or `-`, for stdin and stdout.
    as_mount: read and write files of a remote store where it is mounted, if its filesystem knows where that is.
    source_base, target_base: shell text for the folder that a relative local path is relative to, if it is not the
        working directory.

    Raises ValueError for a directory and a pipe, and UnknownSchemeError for a scheme without a filesystem.
    """
    source, target = source or PIPE, target or PIPE
    if recursive and PIPE in (source, target):
        raise ValueError(f"a directory cannot be copied through a pipe: from {source!r} to {target!r}")
    if is_local(source) and is_local(target):
        return _local_copy(source, target, recursive, source_base, target_base)
    for path in (source, target):
        if path != PIPE and (native := get_filesystem(path).shell_copy(source, target, recursive, as_mount)):
            return native
    words = ["redun", "fs", "cp", *(["--recursive"] if recursive else [])]
    return " ".join([*words, quote_path(source, source_base), quote_path(target, target_base)])


def _local_copy(source: str, target: str, recursive: bool, source_base: str, target_base: str) -> str:
    from_text, to_text = quote_path(source, source_base), quote_path(target, target_base)
    if recursive:
        # `cp -r a b` would copy to `b/a` where `b` is there already.
        return f"mkdir -p {to_text} && cp -r {from_text}/. {to_text}"
    folder = target.rpartition("/")[0]
    copy = f"cp {from_text} {to_text}"
    return f"mkdir -p {quote_path(folder, target_base)} && {copy}" if folder else copy


def is_local(path: str) -> bool:
    """Whether a path is one of the machine itself, and no pipe."""
    return path != PIPE and get_proto(path) == "local"


def is_relative(path: str) -> bool:
    """Whether a path is a local one that depends on the working directory."""
    return is_local(path) and not path.startswith(("/", "file://"))


def quote_path(path: str, base: str = "") -> str:
    """A path as a word of a shell command, which is never taken for an option."""
    if path == PIPE:
        return path
    path = path.removeprefix("file://")
    if base and is_relative(path):
        return f"{base}/{shlex.quote(path)}"
    return shlex.quote(f"./{path}" if path.startswith("-") else path)
