"""What a terminal shows while records are copied."""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest
from redun.cli import copy_progress as module
from redun.cli.copy_progress import CopyProgress, copy_progress


def test_the_line_says_how_much_of_what_and_leaves_out_what_does_not_fit():
    progress = CopyProgress("Pushing to repo 'shared'")
    assert progress.line(100) == "Pushing to repo 'shared': looking for what is new, 0 s"
    progress.tell(Counter(calls=12_000, task_sets=40, tags=2))
    whole = "Pushing to repo 'shared': 12,042 records, 12,000 calls, 40 task sets, 2 tags, 0 s"
    assert progress.line(len(whole)) == whole
    assert progress.line(len(whole) - 1) == "Pushing to repo 'shared': 12,042 records, 12,000 calls, 40 task sets, 0 s"
    assert progress.line(50) == "Pushing to repo 'shared': 12,042 records, 0 s"
    assert progress.line(20) == "Pushing to repo 'sha"


@pytest.mark.timeout(60)
def test_a_terminal_shows_the_line_and_is_clean_afterwards(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_FIRST_DRAWN_AFTER", 0)
    monkeypatch.setenv("TERM", "xterm")
    screen, terminal = os.openpty()
    seen = b""
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with copy_progress("Pushing") as progress:
            progress(Counter(calls=1234))
            while b"1,234 records" not in seen:
                seen += os.read(screen, 10_000)
        os.write(terminal, b"end\n")
        while b"end" not in seen:
            seen += os.read(screen, 10_000)
    os.close(screen)
    # Up to the last drawing, the line; after it, only what takes it away.
    after = seen.rpartition(b"records")[2]
    assert b"\x1b[2K" in after
    assert b"\x1b[?25h" in after  # the cursor is back


def test_what_is_no_terminal_shows_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(module, "_FIRST_DRAWN_AFTER", 0)
    with copy_progress("Pushing") as progress:
        progress(Counter(calls=1234))
    assert capsys.readouterr() == ("", "")
