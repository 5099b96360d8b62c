"""The example in examples/shared_repository keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from postgres_server import Database
from redun_backend_sql.integrity import check_repository

EXAMPLE = Path(__file__).parents[3] / "examples" / "shared_repository"
pytestmark = pytest.mark.timeout(150)


@pytest.fixture
def folder(tmp_path: Path, database: Database) -> Path:
    target = tmp_path / "shared_repository"
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns("values", "__pycache__"))
    ini = target / "config" / "redun.ini"
    text = ini.read_text()
    assert "postgresql://localhost:5432/redun" in text
    ini.write_text(text.replace("postgresql://localhost:5432/redun", database.uri))
    return target


def redun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "redun", "-c", "config", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done


def ran(folder: Path, *arguments: str) -> list[str]:
    """The tasks that run."""
    stderr = redun(folder, "run", "workflow.py", *arguments).stderr
    return sorted(re.findall(r"Run +Job \S+ shared_example\.(\w+)\(", stderr))


def test_what_one_machine_has_computed_none_computes_again(folder: Path, database: Database, tmp_path: Path) -> None:
    assert "Final version" in redun(folder, "db", "upgrade").stdout
    assert ran(folder, "main", "--years", "5") == [*["main"], *["mean"] * 5, "summary", *["year"] * 5]
    # Another machine: the same files elsewhere.
    other = Path(shutil.copytree(folder, tmp_path / "other", ignore=shutil.ignore_patterns("values")))
    (other / "values").symlink_to(folder / "values")
    assert ran(other, "main", "--years", "8") == ["main", *["mean"] * 3, "summary", *["year"] * 3]
    assert len([path for path in (folder / "values").rglob("*") if path.is_file()]) >= 8
    assert ran(other, "elsewhere", "--stations", "south,north", "--years", "1").count("year") == 1
    assert ran(folder, "elsewhere", "--stations", "south,north", "--years", "1") == []
    assert redun(folder, "log").stdout.count("workflow.py") == 4
    assert list(check_repository(database.uri)) == []
