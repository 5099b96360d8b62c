"""The example in examples/background_jobs keeps what its README promises, and is what the page about it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/background_jobs"
PAGE = ROOT / "docs/plugins/writing-a-remote-executor.md"
BLOCKS = dict(re.findall(r"^```\w+ (.*?)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE))


def test_the_page_shows_the_example() -> None:
    assert set(BLOCKS) == {"file=workflow.py", "file=config/redun.ini", "output"}
    for name in ("workflow.py", "config/redun.ini"):
        assert BLOCKS[f"file={name}"] == (EXAMPLE / name).read_text()
    assert BLOCKS["output"].strip() in (EXAMPLE / "README.md").read_text()


def test_ten_calls_run_in_two_jobs_and_from_the_cache(tmp_path: Path) -> None:
    folder = tmp_path / "background_jobs"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("*.db*", "__pycache__", "scratch"))
    # The jobs call `redun`, as those of a machine elsewhere would.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "redun", "-c", "config", "run", "workflow.py", "main"],
            cwd=folder,
            env={name: value for name, value in {**os.environ, "PATH": path}.items() if not name.startswith("REDUN")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == BLOCKS["output"], done.stderr
        assert len(list((folder / "config/scratch/array_jobs").iterdir())) == 2
    assert not list((folder / "config/scratch/submissions").iterdir())
