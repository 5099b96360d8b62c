"""`redun fs`: the list of filesystems, and copying between them and through pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REDUN = str(Path(sys.executable).with_name("redun"))
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a b.txt").write_text("content")
    (tmp_path / "dir" / "sub").mkdir(parents=True)
    (tmp_path / "dir" / "sub" / "x").write_text("x")
    (tmp_path / "dir" / ".hidden").write_text("hidden")
    return tmp_path


def fs(folder: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    words = (REDUN, "fs", *words)
    return subprocess.run(words, cwd=folder, env=ENVIRON, input=stdin, capture_output=True, timeout=100)


def copy(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    done = fs(folder, "cp", *words, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def refused(folder: Path, code: int, *words: str) -> str:
    done = fs(folder, "cp", *words)
    assert (done.returncode, done.stdout) == (code, b"")
    return done.stderr.decode()


def test_the_filesystems_are_listed(folder):
    done = fs(folder)
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "Supported filesystems:"
    assert "  local" in lines
    assert any(line.startswith("  http") for line in lines)
    assert not (folder / ".redun").exists()


def test_a_file_is_copied(folder):
    assert copy(folder, "a b.txt", "new/copy.txt") == b""
    assert (folder / "new/copy.txt").read_text() == "content"
    copy(folder, "a b.txt", "new/")
    assert (folder / "new/a b.txt").read_text() == "content"
    copy(folder, f"file://{folder}/a b.txt", "./-odd")
    assert (folder / "-odd").read_text() == "content"


def test_bytes_go_through_pipes(folder):
    data = bytes(range(256)) * 10_000
    copy(folder, "-", "new/data", stdin=data)
    assert (folder / "new/data").read_bytes() == data
    assert copy(folder, "new/data", "-") == data
    assert copy(folder, "-", "-", stdin=data) == data


def test_a_reader_that_has_seen_enough_is_no_error(folder):
    (folder / "large").write_bytes(b"line\n" * 1_000_000)
    words = f"{REDUN} fs cp large - | head -n 1"
    done = subprocess.run(words, shell=True, cwd=folder, env=ENVIRON, capture_output=True, timeout=100)
    assert (done.stdout, done.stderr) == (b"line\n", b"")


@pytest.mark.parametrize("flag", ["-r", "--recursive"])
def test_a_directory_is_copied_without_hidden_files(folder, flag):
    copy(folder, flag, "dir", "copy")
    copy(folder, "dir/", "copy", flag)
    assert [str(path.relative_to(folder)) for path in sorted((folder / "copy").rglob("*"))] == [
        "copy/sub",
        "copy/sub/x",
    ]
    (folder / "empty").mkdir()
    copy(folder, flag, "empty", "copied")
    assert (folder / "copied").is_dir()


def test_mistakes_are_told_apart(folder):
    assert "'none'" in refused(folder, 1, "none", "x")
    assert not (folder / "x").exists()
    assert "copy it with --recursive" in refused(folder, 2, "dir", "x")
    assert "there is no directory 'none'" in refused(folder, 1, "-r", "none", "x")
    assert "through a pipe" in refused(folder, 2, "-r", "dir", "-")
    assert "into itself" in refused(folder, 2, "-r", "dir", "dir/sub/deeper")
    assert "has no name" in refused(folder, 2, "-", "dir/")
    assert "no filesystem for the scheme 'foo'" in refused(folder, 1, "foo://x", "x")
    assert "'a b.txt/x'" in refused(folder, 1, "dir/sub/x", "a b.txt/x")
    assert "Missing argument" in refused(folder, 2, "a b.txt")


def test_a_full_disk_is_an_error_of_the_file(folder):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    assert "/dev/full" in refused(folder, 1, "a b.txt", "/dev/full")


def test_a_page_of_a_web_server_is_copied(folder):
    pytest.importorskip("aiohttp")
    sys.path.append(str(Path(__file__).parents[1] / "core"))
    from small_web_server import web_server

    with web_server() as site:
        url = site.put("/page.html", b"<p>")
        copy(folder, url, "new/")
        assert (folder / "new/page.html").read_text() == "<p>"
        assert copy(folder, url, "-") == b"<p>"
        assert "/none" in refused(folder, 1, f"{site.url}/none", "x")
        site.status = 500
        assert "answers 500" in refused(folder, 1, url, "x")
        assert not (folder / "x").exists()
