"""What a run shows: log lines, the status table, the live table, tags."""

from __future__ import annotations

import io
import logging
from contextlib import redirect_stderr

import pytest
from redun.cli.execution_tags import git_tags, without_password
from redun.cli.live_progress import LiveProgress
from redun.log_lines import logger, start_logging
from redun.scheduler.events import JobEvent
from redun.scheduler.job_lines import JobLines
from redun.scheduler.status_table import status_table
from redun.task import task

EXECUTION = "3f9a2c1b-0000-4000-8000-000000000000"


@task(namespace="display")
def shown(x, y, *rest): ...


def event(kind="running", number=1, args=(1, "two"), kwargs=None, detail=""):
    return JobEvent(kind, f"{EXECUTION}.{number}", "display.shown", args, kwargs or {}, "default", detail)


class CountingStream(io.StringIO):
    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture
def stderr():
    stream = CountingStream()
    start_logging("INFO")
    yield stream
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def test_a_batch_of_events_is_one_write(stderr):
    with redirect_stderr(stderr):
        JobLines().handle([event(number=number) for number in range(1, 1001)])
    assert stderr.writes == 1
    lines = stderr.getvalue().splitlines()
    assert len(lines) == 1000
    assert lines[16] == "[redun] Run    Job 3f9a2c1b.17: display.shown(x=1, y='two') on default"


def test_each_kind_of_event_has_its_line_and_the_end_of_a_job_none(stderr):
    with redirect_stderr(stderr):
        JobLines().handle([event("cached"), event("failed", detail="ValueError: bad"), event("dryrun"), event("done")])
    assert [line.split(" Job ")[0] for line in stderr.getvalue().splitlines()] == [
        "[redun] Cached",
        "[redun] Failed",
        "[redun] Dryrun",
    ]
    assert "(ValueError: bad)" in stderr.getvalue()


def test_arguments_are_shortened_and_named_where_they_have_names():
    line = JobLines().line(event(args=(range(3), list(range(1000)), "rest"), kwargs={"key": "v" * 1000}))
    assert "x=range(0, 3), y=[0, 1, 2" in line
    assert ", 'rest', key='vvv" in line
    assert len(line) < 250
    many = JobLines().line(event(args=tuple(range(100))))
    assert many.endswith(", ...) on default")
    assert len(many) < 150


def test_a_level_above_info_hides_job_lines(stderr):
    start_logging("WARN")
    with redirect_stderr(stderr):
        JobLines().handle([event()])
        logger.warning("careful\nvery")
    assert stderr.getvalue() == "[redun] WARNING: careful\n[redun] very\n"


def test_starting_the_log_twice_does_not_write_twice(stderr):
    start_logging("INFO")
    with redirect_stderr(stderr):
        logger.info("once")
    assert stderr.getvalue() == "[redun] once\n"


def test_the_status_table_has_all_first_then_tasks_by_name():
    lines = status_table({"b.long_name": [0, 1, 0, 0, 2], "a": [1, 0, 3, 0, 0]})
    assert lines == [
        "| TASK        PENDING RUNNING  FAILED  CACHED    DONE   TOTAL",
        "|",
        "| ALL               1       1       3       0       2       7",
        "| a                 1       0       3       0       0       4",
        "| b.long_name       0       1       0       0       2       3",
    ]
    assert len(status_table({})) == 3


def test_the_live_table_has_few_rows_and_the_busiest_tasks_first():
    counts = {f"task{number:03}": [0, 0, 0, 0, 5] for number in range(100)}
    counts["waiting"] = [3, 0, 0, 0, 0]
    counts["running"] = [0, 2, 0, 0, 0]
    table = LiveProgress(lambda: counts).table(height=16)
    names = list(table.columns[0].cells)
    assert names[:3] == ["ALL", "running", "waiting"]
    assert len(names) == 1 + 10 + 1
    assert names[-1] == "... and 92 more tasks"
    assert next(iter(table.columns[-1].cells)) == "505"


def test_a_run_that_ends_at_once_draws_nothing(monkeypatch):
    def must_not_be_called():
        raise AssertionError

    progress = LiveProgress(must_not_be_called)
    with progress:
        pass
    assert not progress._thread.is_alive()


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://ada:pw@example.org/a.git", "https://example.org/a.git"),
        ("https://token@example.org:8443/a", "https://example.org:8443/a"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("/srv/a.git", "/srv/a.git"),
    ],
)
def test_urls_in_tags_have_no_passwords(url, clean):
    assert without_password(url) == clean


def test_the_commit_is_found_wherever_git_keeps_it(tmp_path, monkeypatch):
    for name in ("REDUN_GIT_COMMIT", "REDUN_GIT_ORIGIN_URL"):
        monkeypatch.delenv(name, raising=False)
    git = tmp_path / ".git"
    git.mkdir()
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert git_tags(inside) == {"git_commit": None, "git_origin_url": None}
    (git / "packed-refs").write_text("# pack-refs\nabc refs/heads/main-2\ndef refs/heads/main\n")
    assert git_tags(inside)["git_commit"] == "def"
    (git / "HEAD").write_text("0123\n")
    assert git_tags(inside)["git_commit"] == "0123"
    (git / "config").write_text("[core\nbroken")
    assert git_tags(inside)["git_origin_url"] is None
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    (git / "worktrees" / "w").mkdir(parents=True)
    (git / "worktrees" / "w" / "commondir").write_text("../..\n")
    (git / "worktrees" / "w" / "HEAD").write_text("ref: refs/heads/main\n")
    (worktree / ".git").write_text(f"gitdir: {git / 'worktrees' / 'w'}\n")
    assert git_tags(worktree)["git_commit"] == "def"
    monkeypatch.setenv("REDUN_GIT_COMMIT", "from the environment")
    assert git_tags(worktree)["git_commit"] == "from the environment"
