"""A script that is edited twice within the same second, to texts of the same length."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

SOURCE = """
from redun import task

redun_namespace = "quick"


@task
def main() -> int:
    return {value}
"""


def run(folder: Path) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main"]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_every_edit_of_a_script_is_seen(tmp_path: Path) -> None:
    script = tmp_path / "workflow.py"
    # A time ahead of the clock keeps the edits recent, however long a run takes here.
    moment = time.time() + 600
    for value in (1, 2, 3):
        script.write_text(SOURCE.format(value=value))
        os.utime(script, (moment, moment))
        assert run(tmp_path) == str(value)
