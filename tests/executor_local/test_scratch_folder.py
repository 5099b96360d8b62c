"""Where scripts keep their temporary files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.config import Config
from redun.errors import ExecutorError

redun_namespace = "test_scratch_folder"


@task(script=True)
def where() -> str:
    return 'echo "$0"'


def run(folder: Path, scratch: str) -> Any:
    config = Config({"executors.default": {"type": "local", "scratch": scratch}}, configdir=str(folder))
    return Scheduler(config, backend=MemoryBackend()).run(where())


def test_it_is_relative_to_the_configuration_and_left_empty(tmp_path: Path) -> None:
    script = Path(run(tmp_path, "scratch/scripts").decode().strip())
    assert script.parent.parent == tmp_path / "scratch/scripts"
    assert list((tmp_path / "scratch/scripts").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExecutorError, match=r"executor 'default' cannot be started: .*file/scratch"):
        run(tmp_path, "file/scratch")
