"""The example in examples/retries keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "retries" / "workflow.py"


def test_calls_are_made_again_until_they_work_or_it_is_enough(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / ".redun").mkdir()
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert ast.literal_eval(result.stdout) == [
        "weather after 3 attempts",
        "gave up: UnavailableError",
        "gave up: JobTimeoutError",
        "in time",
    ]
    asked = {path.stem: len(path.read_text().splitlines()) for path in tmp_path.glob("asked_*.txt")}
    assert asked == {"asked_weather": 3, "asked_traffic": 4}
