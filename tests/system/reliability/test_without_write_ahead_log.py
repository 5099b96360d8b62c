"""A filesystem on which processes share no memory, so that SQLite's write-ahead log does not work there."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

N = 500
RESULT = str(sum(i * i for i in range(N)))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder on such a filesystem: with `direct_io`, FUSE maps no file into memory that is shared."""
    source, target = tmp_path / "source", tmp_path / "mounted"
    source.mkdir()
    target.mkdir()
    if shutil.which("bindfs") is None:
        pytest.skip("needs bindfs: apt-get install bindfs")
    done = subprocess.run(
        ["bindfs", "-o", "direct_io", str(source), str(target)], capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        pytest.skip(f"a filesystem cannot be mounted here: {done.stderr.strip()}")
    yield target
    subprocess.run(["umount", "--lazy", str(target)], check=True)


@pytest.fixture
def there(project: Any, folder: Path) -> Any:
    """A project whose repository is to be there."""
    project.repository = folder / "redun.db"
    project.configure("type = local", f"db_uri = sqlite:///{project.repository}")
    return project


def journal_mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    return str(mode)


def test_the_filesystem_is_one_of_these(folder: Path) -> None:
    """Otherwise the tests below say nothing."""
    with closing(sqlite3.connect(folder / "some.db", isolation_level=None)) as connection:
        # This is what makes it hard: SQLite agrees, and can read the file no more.
        assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            connection.execute("CREATE TABLE t (a)")


def test_a_run_takes_the_rollback_journal_and_says_so_once(there: Any) -> None:
    process = there.start("run", "wf.py", "main", "--n", str(N))
    stdout, _ = process.communicate(timeout=100)
    assert process.returncode == 0, there.errors(process)[-2000:]
    assert stdout.strip() == RESULT
    assert there.errors(process).count("cannot use SQLite's write-ahead log") == 1
    assert journal_mode(there.repository) == "delete"
    assert there.problems() == []
    assert "run wf.py main" in there.redun("log")
    there.take_bodies()
    assert there.redun("run", "wf.py", "main", "--n", str(N)).strip() == RESULT
    assert there.take_bodies() == []


def test_two_runs_at_once(there: Any) -> None:
    processes = [there.start("run", "wf.py", "main", "--n", str(N)) for _ in range(2)]
    for process in processes:
        stdout, _ = process.communicate(timeout=100)
        assert process.returncode == 0, there.errors(process)[-2000:]
        assert stdout.strip() == RESULT
    assert there.problems() == []
    assert there.call_count("work") == N


def test_a_repository_with_a_log_that_was_copied_there(there: Any, folder: Path, tmp_path: Path) -> None:
    elsewhere = there.repository = tmp_path / "elsewhere.db"
    there.configure("type = local", f"db_uri = sqlite:///{elsewhere}")
    there.redun("run", "wf.py", "main", "--n", str(N))
    assert journal_mode(elsewhere) == "wal"
    there.take_bodies()
    there.repository = Path(shutil.copy(elsewhere, folder / "redun.db"))
    there.configure("type = local", f"db_uri = sqlite:///{there.repository}")
    assert there.redun("run", "wf.py", "main", "--n", str(N)).strip() == RESULT
    assert there.take_bodies() == []
    assert there.problems() == []
    assert journal_mode(there.repository) == "delete"
