"""Packages of code: the files of a workflow as an archive, for machines that do not have them.

The archive of the same files is the same to the last bit, whenever and wherever it is made, so its name can be its
digest, and code that has not changed is not sent again.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import os
import shlex
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from redun.errors import ExecutorError, describe_error
from redun.remote.errors import ScratchError
from redun.remote.scratch import Scratch, file_exists, read_file, write_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

logger = logging.getLogger("redun")

LARGE = 50_000_000
"""Bytes from which on an archive is worth a warning: every job fetches it."""


def patterns(given: str | Sequence[str]) -> tuple[str, ...]:
    """Patterns as options give them: as words, or as a text with words that a shell would tell apart."""
    return tuple(shlex.split(given)) if isinstance(given, str) else tuple(given)


def find_code(folder: Path, includes: Iterable[str], excludes: Iterable[str] = ()) -> list[str]:
    """The files to pack, relative to a folder and sorted.

    includes, excludes: patterns relative to the folder, in which `**` means any number of folders. Hidden files and
        folders are left out, unless a pattern names them.

    Raises `ExecutorError` if there are none, or a pattern leaves the folder.
    """
    includes, excludes = tuple(includes), tuple(excludes)
    found = _matching(folder, includes) - _matching(folder, excludes)
    if not found:
        without = f" without {' '.join(excludes)}" if excludes else ""
        raise ExecutorError(
            f"There is no code to send along: no file in {folder} matches {' '.join(includes)}{without}. Set "
            "code_includes to patterns that do, relative to the working directory, or code_package = False where "
            "the code is installed where jobs run."
        )
    return sorted(found)


def _matching(folder: Path, wanted: Iterable[str]) -> set[str]:
    import glob

    names: set[str] = set()
    for pattern in wanted:
        if os.path.isabs(pattern) or ".." in Path(pattern).parts:  # noqa: PTH117 - a pattern is no path
            raise ExecutorError(f"The pattern {pattern!r} for packages of code must be relative to {folder}, below it.")
        names.update(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207 - Path.glob takes hidden files
    return {os.path.normpath(name) for name in names if (folder / name).is_file()}


def pack_code(folder: Path, names: Sequence[str]) -> bytes:
    """An archive of these files, `.tar.gz`, with nothing in it that depends on time, place or user."""
    archive = io.BytesIO()
    # No file name and no time in the header, and a level whose output does not change with the default.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=archive, mtime=0, compresslevel=6) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in names:
            _add(tar, folder / name, name)
    return archive.getvalue()


def _add(tar: tarfile.TarFile, file: Path, name: str) -> None:
    try:
        data = file.read_bytes()
        executable = os.access(file, os.X_OK)
    except OSError as error:
        raise ExecutorError(f"{file} cannot be packed to be sent along: {error.strerror}") from error
    entry = tarfile.TarInfo(Path(name).as_posix())
    entry.size = len(data)
    entry.mode = 0o755 if executable else 0o644
    tar.addfile(entry, io.BytesIO(data))


def code_digest(data: bytes) -> str:
    """The name of an archive."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def send_code(
    scratch: Scratch, package: bool | str, includes: str | Sequence[str], excludes: str | Sequence[str], folder: Path
) -> str | None:
    """Bring the code of a workflow to the scratch folder, unless it is there. Returns its path; None if there is none.

    package: whether to send any; or the path of an archive to send as it is.
    folder: where the files are, usually the working directory.

    Raises `ExecutorError`.
    """
    if package is False:
        return None
    if isinstance(package, str):
        data = read_file(package)
        if data is None:
            raise ExecutorError(f"code_package = {package}: there is no such file. Give an archive, or True or False.")
    else:
        data = pack_code(folder, find_code(folder, patterns(includes), patterns(excludes)))
    if len(data) > LARGE:
        logger.warning(
            "The package of code has %.0f MB, which every job fetches. The options code_includes and code_excludes say "
            "what is in it.",
            len(data) / 1e6,
        )
    path = scratch.code(code_digest(data))
    if not file_exists(path):
        write_file(path, data)
    return path


def unpack_code(path: str, folder: Path) -> None:
    """Unpack an archive into a folder.

    Raises `ScratchError` if it is missing, spoilt, or would write outside of the folder; then nothing of it is unpacked
    that comes after the offending entry.
    """
    from redun.plugins.connect import connect_filesystems

    connect_filesystems()
    data = read_file(path)
    if data is None:
        raise ScratchError(f"there is no package of code {path}")
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as tar:
            members = tar.getmembers()
            for member in members:  # all of them are looked at before the first one is written
                tarfile.data_filter(member, str(folder))
            tar.extractall(folder, members, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ScratchError(f"the package of code {path} cannot be unpacked: {describe_error(error)}") from error
