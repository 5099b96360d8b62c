"""The page about executors for jobs elsewhere: what it shows works as it is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/plugins/writing-a-remote-executor.md"


def test_the_executor_of_the_page_runs_the_workflow_of_the_page(tmp_path: Path) -> None:
    blocks = re.findall(r"^```(\w+) (.*?)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    texts = {words: text for _, words, text in blocks}
    assert set(texts) == {"file=workflow.py", "file=.redun/redun.ini", "output"}
    (tmp_path / ".redun").mkdir()
    for words, text in texts.items():
        if words.startswith("file="):
            (tmp_path / words.removeprefix("file=")).write_text(text)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "redun", "run", "workflow.py", "main"],
        cwd=tmp_path,
        env={name: value for name, value in {**os.environ, "PATH": path}.items() if not name.startswith("REDUN")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == texts["output"], done.stderr
    assert len(list((tmp_path / ".redun/scratch/array_jobs").iterdir())) == 2, "ten calls, five a job"
    assert not list((tmp_path / ".redun/scratch/submissions").iterdir())
