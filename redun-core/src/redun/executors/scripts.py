"""Running the scripts of script tasks, on the machine where this is called.

A script runs in a session of its own, without a terminal and with nothing to read: Ctrl-C reaches the scheduler only,
which ends the whole process group. Its output goes to files, not pipes, so that what it leaves running in the
background cannot keep it from ending.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from redun.errors import ExecutorError
from redun.executors.calls import exit_error, find_task
from redun.shell import get_task_command
from redun.task_registry import get_task_registry

if TYPE_CHECKING:
    from redun.executors.base import TaskCall

GRACE_SECONDS = 2.0
"""How long a script may clean up after SIGTERM before it is killed."""
MOST_STDERR = 100_000
"""Bytes of stderr, from its end, that an error keeps."""
_CALL = re.compile(r"(?<![\w.])([A-Za-z_][A-Za-z_0-9.]*)\(")
_SHOWN_LINES = 10
_SHOWN_CHARACTERS = 2_000

# While a program is being started, a copy of this process that somebody forks would keep open the pipe by which the
# start is confirmed: whoever starts the program would wait for as long as that copy lives.
_starting = threading.Lock()
os.register_at_fork(before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_starting.release)


class ScriptError(ExecutorError):
    """A script did not exit with 0.

    stderr: what it wrote there, at least the end of it.
    exit_code: as the system gives it; negative for a signal.
    """

    hint = ""
    """What may have gone wrong, where that can be told from the script's text."""

    def __init__(self, stderr: bytes, exit_code: int = 1) -> None:
        super().__init__(stderr)
        self.stderr = stderr
        self.exit_code = exit_code

    @property
    def message(self) -> str:
        """What the script wrote to stderr, as text."""
        return self.stderr.decode(errors="replace")

    def __str__(self) -> str:
        how = f"exit code {self.exit_code}" if self.exit_code >= 0 else f"signal {-self.exit_code}"
        lines = self.message.rstrip().splitlines()[-_SHOWN_LINES:]
        tail = "\n".join(lines)[-_SHOWN_CHARACTERS:]
        text = f"the script ended with {how}. Last lines of stderr:\n{tail}" if tail else f"the script ended with {how}"
        return f"{text}\n{self.hint}" if self.hint else text


class ScriptCancelledError(ExecutorError):
    """A script was ended by `ScriptProcess.cancel`."""


class ScriptProcess:
    """Runs one script; another thread may cancel it, even before it begins.

    folder: where the script and its output are kept while it runs; the system's folder for temporary files by default.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killer: threading.Timer | None = None
        self._is_over = threading.Event()
        self.is_cancelled = False
        """Whether it was told to end."""

    def run(self, text: str) -> bytes:
        """Run a script, as `redun.shell.prepare_command` makes it, and return what it wrote to stdout.

        Raises `ScriptError` if it does not exit with 0, `ScriptCancelledError`, and `ExecutorError` if its interpreter
        cannot be started. Leaves none of its processes behind when it is interrupted or cancelled.
        """
        try:
            with tempfile.TemporaryDirectory(
                prefix="redun-script-", dir=self._folder, ignore_cleanup_errors=True
            ) as name:
                folder = Path(name)
                script, output, errors = folder / "script", folder / "stdout", folder / "stderr"
                script.write_text(text, encoding="utf-8", errors="surrogateescape")
                script.chmod(0o700)
                exit_code = self._run_file(script, output, errors)
                if exit_code:
                    failure = ScriptError(_tail(errors), exit_code)
                    failure.hint = _hint(text)
                    raise failure
                return output.read_bytes()
        finally:
            self._is_over.set()

    def _run_file(self, script: Path, output: Path, errors: Path) -> int:
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            with self._lock:
                if self.is_cancelled:
                    raise ScriptCancelledError("the script was cancelled before it began")
                process = self._process = _start(script, stdout.fileno(), stderr.fileno())
            try:
                exit_code = process.wait()
            except BaseException:
                self.cancel()
                process.wait()
                raise
            finally:
                if self._killer is not None:
                    self._killer.cancel()
                    _end_group(process.pid)
        if self.is_cancelled:
            raise ScriptCancelledError("the script was cancelled")
        return exit_code

    def cancel(self) -> None:
        """End the script and the processes that it has started. Returns at once; `run` raises when they are gone."""
        with self._lock:
            if self.is_cancelled:
                return
            self.is_cancelled = True
            process = self._process
            if process is None or process.returncode is not None:
                return
            _signal_group(process.pid, signal.SIGTERM)
            self._killer = threading.Timer(GRACE_SECONDS, _kill_unless_ended, (process,))
            self._killer.daemon = True
            self._killer.start()

    def wait(self) -> None:
        """Return when nothing of a cancelled script is left, neither a process nor its folder."""
        if self._process is not None:
            self._is_over.wait(3 * GRACE_SECONDS)


def run_script_call(call: TaskCall, process: ScriptProcess | None = None) -> bytes:
    """Run the body of a script task, then the script that it returns, and return what that writes to stdout.

    process: what to run it with, where somebody else wants to be able to cancel it.

    Raises what the body raises, and what `ScriptProcess.run` raises.
    """
    try:
        text = get_task_command(find_task(call.target), call.args, call.kwargs)
    except SystemExit as error:
        raise exit_error(call.target, error) from error
    return (process or ScriptProcess()).run(text)


def _start(script: Path, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """Start the interpreter that the first line names, with the script as its argument.

    As the system would, but without executing the file: that fails on a file system that allows no programs, and with
    "text file busy" while another thread is starting a process, which for a moment has the file open too.
    """
    with script.open(encoding="utf-8", errors="surrogateescape") as lines:
        interpreter = lines.readline()[2:].strip().split(None, 1)
    try:
        with _starting:
            return subprocess.Popen(  # noqa: S603 - running what the workflow says is what this is for
                [*interpreter, str(script)],
                stdin=subprocess.DEVNULL,
                env=_environment(script),
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise ExecutorError(
            f"the script cannot be started by {' '.join(interpreter) or 'nothing'!r}: {error}"
        ) from error


def _environment(script: Path) -> dict[str, str]:
    """The environment of a script: this one, with a folder that goes with it, and with our own commands within reach.

    Scripts that copy remote files call `redun fs cp`, and whoever calls redun by its path need not have it on PATH.
    """
    path = os.pathsep.join(filter(None, [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]))
    return {**os.environ, "PATH": path, "REDUN_SCRIPT_FOLDER": str(script.parent)}


def _tail(file: Path) -> bytes:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - MOST_STDERR))
        return stream.read()


def _hint(text: str) -> str:
    """About a mistake that nothing else shows: a call of a task that was made into text before it had a value."""
    for found in _CALL.finditer(text):
        if get_task_registry().get(found[1]) is not None:
            return (
                f"Hint: the script holds `{found[0]}...` as text, which str() and f-strings make of a call of the task "
                f"{found[1]}. Where its result is meant, pass the call to a task, and make the text in that one's body."
            )
    return ""


def _kill_unless_ended(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGKILL)


def _end_group(group: int) -> None:
    """Wait until no process of a cancelled script is left, and kill what does not go."""
    deadline = time.monotonic() + GRACE_SECONDS
    while _signal_group(group, 0):
        if time.monotonic() >= deadline:
            _signal_group(group, signal.SIGKILL)
            return
        time.sleep(0.01)  # nobody tells when a process that is not a child of this one ends


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group. Says whether there is one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
