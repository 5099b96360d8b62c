"""The scratch folder, where a scheduler and the jobs elsewhere exchange files, on any filesystem that `File` knows."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import NamedTuple

from redun.errors import RedunError, describe_error
from redun.file.filesystem import get_filesystem, get_proto
from redun.remote.errors import ScratchError


class JobFiles(NamedTuple):
    """Where the files of one call are."""

    folder: str

    @property
    def input(self) -> str:
        """What is to be run: an encoded call, or the text of a script."""
        return f"{self.folder}/input"

    @property
    def output(self) -> str:
        """The encoded result, or what a script wrote to stdout."""
        return f"{self.folder}/output"

    @property
    def error(self) -> str:
        """The encoded error, or what a script wrote to stderr."""
        return f"{self.folder}/error"

    @property
    def status(self) -> str:
        """How a script ended. Written last."""
        return f"{self.folder}/status"

    @property
    def progress(self) -> str:
        """Of a bundle: there as soon as its worker has begun."""
        return f"{self.folder}/progress"


class Scratch:
    """The layout of a scratch folder.

    root: its path or URL; a local path should be absolute.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/") or "/"

    def job(self, eval_hash: bytes, own: str = "") -> JobFiles:
        """Where the files of a call are: calls with the same evaluation hash share them.

        own: a word that sets this call apart, whose earlier output must not be used.
        """
        folder = f"{self.root}/jobs/{eval_hash.hex()}"
        return JobFiles(f"{folder}/{own}" if own else folder)

    def group(self, group_id: str) -> JobFiles:
        """Where the common files of an array or a bundle are."""
        return JobFiles(f"{self.root}/array_jobs/{group_id}")

    def code(self, digest: str) -> str:
        """Where the package of code with this digest is."""
        return f"{self.root}/code/{digest}.tar.gz"

    @property
    def submissions(self) -> str:
        """The folder with a file for each batch of submissions whose results are not there yet."""
        return f"{self.root}/submissions"

    @property
    def reunited(self) -> str:
        """The folder with a file for each job that another scheduler than its own waits for."""
        return f"{self.root}/reunited"

    def execution_input(self, execution_id: str) -> str:
        """Where the arguments of an execution are that is launched from afar."""
        return f"{self.root}/execution/{execution_id}/input"


def write_file(path: str, data: bytes) -> None:
    """Write a file that a reader sees as a whole or not at all.

    A store of objects does that by itself. Elsewhere `redun.remote.frames` tells half a file from a whole one.

    Raises `ScratchError`.
    """
    try:
        if get_proto(path) == "local":
            _write_local(Path(path.removeprefix("file://")), data)
            return
        with get_filesystem(path).open(path, "wb") as stream:
            stream.write(data)
    except (OSError, RedunError) as error:
        raise ScratchError(f"{path} cannot be written: {describe_error(error)}") from error


def _write_local(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        partial.write_bytes(data)
        os.replace(partial, path)  # noqa: PTH105 - as Path.replace, without another Path
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def read_file(path: str) -> bytes | None:
    """The content of a file; None if there is none. Raises `ScratchError` where that cannot be told."""
    try:
        with get_filesystem(path).open(path, "rb") as stream:
            data: bytes = stream.read()
            return data
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, RedunError) as error:
        raise ScratchError(f"{path} cannot be read: {describe_error(error)}") from error


def remove_file(path: str) -> None:
    """Remove a file, if there is one. Raises `ScratchError`."""
    try:
        get_filesystem(path).remove(path)
    except FileNotFoundError:
        pass
    except (OSError, RedunError) as error:
        raise ScratchError(f"{path} cannot be removed: {describe_error(error)}") from error


def file_exists(path: str) -> bool:
    """Whether there is a file. Raises `ScratchError` where that cannot be told."""
    try:
        return get_filesystem(path).isfile(path)
    except (OSError, RedunError) as error:
        raise ScratchError(f"{path} cannot be looked at: {describe_error(error)}") from error


def list_folder(path: str) -> list[str]:
    """The paths of the files below a folder; none where there is no folder. Raises `ScratchError`."""
    try:
        return get_filesystem(path).list_files(path)
    except FileNotFoundError:
        return []
    except (OSError, RedunError) as error:
        raise ScratchError(f"{path} cannot be listed: {describe_error(error)}") from error
