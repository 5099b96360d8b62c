"""The command that runs a script elsewhere: with bash and what brings files from and to the scratch folder."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from redun.file.shell_copy import PIPE, is_local, quote_path, shell_copy
from redun.shell import temporary_folder

if TYPE_CHECKING:
    from redun.remote.scratch import JobFiles

MOST_STDERR = 100_000
"""Bytes of what a script writes to stderr, from the end, that come back."""
_FOLDER = '"$redun_job"'


def script_command(text: str, files: JobFiles, order: str) -> tuple[str, ...]:
    """The words of a command that runs the script which is in the file `files.input`.

    It shows what the script writes to stdout and stderr, as the log of the job, brings both to the scratch folder, then
    the status, and exits as the script does.

    text: the script, of which only the first line is used: it says what runs it.
    order: the id of the submission, which goes into the status.
    """
    words = text.split("\n", 1)[0].removeprefix("#!").strip().split(None, 1)
    return ("bash", "-o", "pipefail", "-c", _text(shlex.join(words), files, shlex.quote(order)))


def _text(interpreter: str, files: JobFiles, order: str) -> str:
    fail = "{ echo 'redun: the scratch folder cannot be reached' >&2; exit 1; }"
    return "\n".join(
        [
            temporary_folder("redun_job"),
            # The script's own temporary folders go with this one.
            f"export REDUN_SCRIPT_FOLDER={_FOLDER}",
            f"{_fetch(files.input, 'command')} || {fail}",
            # Both streams are shown and kept. The exit code is the script's own, not that of tee.
            f"( ( {interpreter} {_FOLDER}/command < /dev/null | tee {_FOLDER}/output >&3; exit ${{PIPESTATUS[0]}} ) "
            f"2>&1 | tee {_FOLDER}/error >&2; exit ${{PIPESTATUS[0]}} ) 3>&1",
            "redun_code=$?",
            f"tail -c {MOST_STDERR} {_FOLDER}/error > {_FOLDER}/tail",
            f"{_bring('output', files.output)} || {fail}",
            f"{_bring('tail', files.error)} || {fail}",
            f'if [ "$redun_code" = 0 ]; then echo "ok {order}"; else echo "fail {order} $redun_code"; fi '
            f"> {_FOLDER}/status",
            f"{_bring('status', files.status)} || {fail}",
            'exit "$redun_code"',
        ]
    )


def _fetch(path: str, name: str) -> str:
    return (
        f"cat {quote_path(path)} > {_FOLDER}/{name}"
        if is_local(path)
        else f"{shell_copy(path, PIPE)} > {_FOLDER}/{name}"
    )


def _bring(name: str, path: str) -> str:
    if not is_local(path):
        return f"{shell_copy(PIPE, path)} < {_FOLDER}/{name}"
    folder = quote_path(path.rpartition("/")[0])
    # A copy takes its time; a file that is moved within a folder is there at once.
    partial = f"{quote_path(path)}.$$"
    return f"mkdir -p {folder} && cat {_FOLDER}/{name} > {partial} && mv {partial} {quote_path(path)}"


def read_status(data: bytes) -> tuple[str, int] | None:
    """Which submission a script was part of, and its exit code. None for what is no status."""
    words = data.decode(errors="replace").split()
    if len(words) == 2 and words[0] == "ok":
        return words[1], 0
    if len(words) == 3 and words[0] == "fail" and words[2].isdigit():
        return words[1], int(words[2])
    return None
