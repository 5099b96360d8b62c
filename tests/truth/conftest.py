"""Generated programs import their support from here, in worker processes too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where generated programs are written as modules, and their tasks note that they run."""
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(scope="module", autouse=True)
def surroundings(folder: Path) -> Iterator[None]:
    """What generated programs need of this process. Tests of other folders find it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        patch.setenv("REDUN_TRUTH_LOG", "")
        # Thousands of executions, and a warning each time that a task is made again because of a task that it returned.
        patch.setattr(logging.getLogger("redun"), "disabled", True)
        yield
