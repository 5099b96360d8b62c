"""Files that cannot be looked at, and values that go wrong: errors of single calls, to recover from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from redun import File, Scheduler, catch, task
from redun.file import RedunOSError
from redun.value import Value

redun_namespace = "test_engine_odd_files"

TOO_LONG = "x" * 300
ran: list[str] = []


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran.clear()
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")


@task
def read(file: File) -> str:
    return file.read()


@task(cache=False)
def read_always(file: File) -> str:
    return file.read()


@task
def make(path: str) -> File:
    return File(path)


@task
def recover(error: Exception) -> str:
    return f"recovered from {type(error).__name__}"


@task
def other() -> str:
    ran.append("other")
    return "other"


@task
def from_argument(path: str) -> Any:
    return [other(), catch(read(File(path)), OSError, recover)]


@task
def from_uncached(path: str) -> Any:
    return [other(), catch(read_always(File(path)), OSError, recover)]


@task
def from_result(path: str) -> Any:
    return [other(), catch(make(path), OSError, recover)]


@task(check_valid="shallow")
def shallow(path: str) -> Any:
    ran.append("shallow")
    return from_argument(path)


@task
def unguarded(path: str) -> Any:
    return [other(), read(File(path))]


@pytest.mark.parametrize("path", [TOO_LONG, "loop"])
@pytest.mark.parametrize("workflow", [from_argument, from_uncached, from_result])
def test_a_file_that_cannot_be_looked_at_fails_the_call_that_has_it(
    scheduler: Scheduler, workflow: Any, path: str
) -> None:
    for _ in range(2):
        assert scheduler.run(workflow(path)) == ["other", "recovered from RedunOSError"]
    assert ran == ["other"]


@pytest.mark.parametrize("workflow", [unguarded, make])
def test_a_file_that_cannot_be_looked_at_is_the_error_of_the_run_with_its_path(
    scheduler: Scheduler, workflow: Any
) -> None:
    with pytest.raises(RedunOSError, match=TOO_LONG):
        scheduler.run(workflow(TOO_LONG))
    executions = scheduler.backend.executions(limit=1)
    assert executions[0].status.name == "FAILED"


def test_what_such_a_file_led_to_is_used_as_a_final_result_only_while_it_lasts(scheduler: Scheduler) -> None:
    assert scheduler.run(shallow("loop")) == ["other", "recovered from RedunOSError"]
    Path("loop").unlink()
    Path("loop").write_text("there")
    assert scheduler.run(shallow("loop")) == ["other", "there"]


class Leaving(Value):
    """Asked whether it is valid, it leaves the program."""

    def __init__(self, number: int) -> None:
        self.number = number

    def is_valid(self) -> bool:
        sys.exit(3)


@task
def make_leaving() -> Leaving:
    ran.append("leaving")
    return Leaving(1)


def test_a_value_that_leaves_the_program_when_asked_whether_it_holds_is_made_again(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        assert scheduler.run(make_leaving()).number == 1
    assert ran == ["leaving", "leaving"]
    assert "Leaving cannot say whether it is valid" in caplog.text
