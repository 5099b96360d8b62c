"""Questions of a repository with damaged rows: answered, or ended by one message that says what to do."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from redun.cli.entry import run_command_line
from redun_backend_sql.sqlite_backend import SqliteBackend
from whole_repository import fill

DAMAGE = {
    "names": "UPDATE signature SET names = 'zzz' || id",
    "other names": 'UPDATE signature SET names = \'["a", "b", "c", \' || id || \']\'',
    "arguments": "UPDATE call SET arguments = substr(arguments, 1, 10)",
    "time of calls": "UPDATE call SET time = 'abc'",
    "far times of calls": "UPDATE call SET time = -5e18",
    "time of jobs": "UPDATE job SET start_time = -5e18",
    "time of executions": "UPDATE execution SET start_time = 'abc'",
    "status of jobs": "UPDATE job SET status = 77",
    "status of executions": "UPDATE execution SET status = 77",
    "command lines": "UPDATE execution SET args = '{'",
    "parents": "UPDATE job SET parent = number",
    "circles of parents": "UPDATE job SET parent = 3 - number WHERE number IN (1, 2)",
    "parents that came later": "UPDATE job SET parent = number + 1",
    "tags": "UPDATE tag SET value = '{'",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose repository holds everything that a run may leave."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".redun").mkdir()
    (folder / ".redun" / "redun.ini").write_text("[backend]\ndb_uri = sqlite:///redun.db\n")
    backend = SqliteBackend(folder / ".redun" / "redun.db")
    fill(backend, folder)
    backend.close()
    return folder


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_no_question_ends_in_a_traceback(
    damage: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(project, tmp_path / "copy"))
    with closing(sqlite3.connect(folder / ".redun" / "redun.db")) as connection, connection:
        [(file,)] = connection.execute("SELECT path FROM value WHERE path IS NOT NULL LIMIT 1")
        connection.execute(damage)
    monkeypatch.chdir(folder)
    for words in (
        ["log"],
        ["log", "-"],
        ["log", "-.3"],
        ["log", "~3.2"],
        ["log", file],
        ["log", "--exec", "--tag", "user"],
        ["explain", "~3.1"],
        ["diff", "~3", "~5"],
        ["viz", "~3", "-o", str(folder / "x.dot")],
        ["export", "-f", str(folder / "x.jsonl")],
    ):
        code = run_command_line(words)
        captured = capsys.readouterr()
        told = captured.out + captured.err
        assert "Traceback" not in told, (words, told)
        assert "bug" not in told, (words, told)
        assert code == 0 or captured.err.count("redun: ") == 1, (words, told)
    assert run_command_line(["db", "check"]) == 1
    assert "Traceback" not in capsys.readouterr().err
