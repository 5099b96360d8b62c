"""Tasks that the tests of jobs elsewhere run there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from redun import File, task
from redun.testing.tasks import PlainError

redun_namespace = "remote_tests"


@task(version="1")
def print_and_fail(text: str, message: str) -> None:
    """Print something, and raise."""
    print(text)
    raise PlainError(message)


@task(version="1")
def note(file: str, text: str) -> str:
    """Add a line to a file, in one go. Returns the text."""
    with Path(file).open("a") as stream:
        stream.write(f"{text}\n")
    return text


@task(version="1")
def note_and_perhaps_die(file: str, number: int, deadly: int) -> int:
    """Add a line to a file, and end the process if the number says so."""
    with Path(file).open("a") as stream:
        stream.write(f"{number}\n")
    if number == deadly:
        os._exit(9)
    return number


@task(version="1")
def note_and_fail_at(file: str, number: int, bad: int) -> int:
    """Add a line to a file, and raise if the number says so."""
    with Path(file).open("a") as stream:
        stream.write(f"{number}\n")
    if number == bad:
        raise PlainError(f"number {number}")
    return number


@task(version="1")
def meet_and_note(started: str, release: str, file: str) -> str:
    """Say through one named pipe that the task runs, wait for the other, and add a line to a file."""
    Path(started).write_text("started")
    text = Path(release).read_text()
    with Path(file).open("a") as stream:
        stream.write(f"{text}\n")
    return text


@task(version="1")
def process_and(value: Any) -> tuple[int, Any]:
    """The process that runs the task, and what was given."""
    return os.getpid(), value


@task(version="1")
def write_file(path: str, text: str) -> File:
    """Write a file, and return it."""
    file = File(path)
    file.write(text)
    return file
