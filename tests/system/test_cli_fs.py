"""`redun fs`: the list of filesystems, and copying between them and through pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redun import File

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


# -- ls ---------------------------------------------------------------------------------------------------------------


def listed(folder: Path, *words: str) -> list[str]:
    done = fs(folder, "ls", *words)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


def test_a_directory_is_listed_with_paths_to_go_on_with(folder):
    (folder / "dir/empty").mkdir()
    (folder / "dir/[odd].txt").write_text("x")
    (folder / "[odd]").mkdir()
    (folder / "[odd]/y").touch()
    assert listed(folder, "dir") == ["dir/[odd].txt", "dir/empty/", "dir/sub/"]
    assert listed(folder, "[odd]") == ["[odd]/y"]
    assert listed(folder, "dir/sub/") == ["dir/sub/x"]
    assert listed(folder, f"file://{folder}/dir/sub") == [f"file://{folder}/dir/sub/x"]
    assert listed(folder, "dir/empty") == []
    assert listed(folder, "a b.txt") == ["a b.txt"]
    assert not (folder / ".redun").exists()


def test_all_files_below_are_listed(folder):
    assert listed(folder, "--recursive", ".") == ["./a b.txt", "./dir/sub/x"]


def test_a_long_list_has_sizes_and_the_hashes_of_files(folder):
    (folder / "dir/sub/large").write_bytes(b"x" * 1234)
    hashes = {name: File(str(folder / name)).hash[:8] for name in ("a b.txt", "dir/sub/large", "dir/sub/x")}
    assert listed(folder, "--long", str(folder)) == [
        f"7  {hashes['a b.txt']}  {folder}/a b.txt",
        f"-  -         {folder}/dir/",
    ]
    assert [line.split()[:2] for line in listed(folder, "-l", str(folder / "dir/sub"))] == [
        ["1,234", hashes["dir/sub/large"]],
        ["1", hashes["dir/sub/x"]],
    ]


def test_a_list_for_programs_is_json(folder):
    assert json.loads("".join(listed(folder, "--json", "."))) == [
        {"path": "./a b.txt", "type": "file"},
        {"path": "./dir/", "type": "directory"},
    ]
    [row] = json.loads("".join(listed(folder, "--json", "--long", "a b.txt")))
    assert (row["size"], len(row["hash"])) == (7, 40)


def test_what_cannot_be_listed_is_one_clear_message(folder):
    for url, words in [
        ("none", "redun: error: there is no file or directory 'none'\n"),
        ("nosuch://x", "redun: error: 'nosuch://x': no filesystem for the scheme 'nosuch'"),
    ]:
        done = fs(folder, "ls", url)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode().startswith(words)
        assert done.stderr.count(b"\n") == 1
