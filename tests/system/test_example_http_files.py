"""The example in examples/http_files keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "http_files"


class Quiet(SimpleHTTPRequestHandler):
    """What `python3 -m http.server` runs, without its log."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("aiohttp")
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".redun", "__pycache__"))
    (tmp_path / ".redun").mkdir()
    return tmp_path


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder / "site")))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(30)


def run(folder: Path, url: str) -> tuple[str, list[str]]:
    """The result as it is printed, and the tasks that ran."""
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main", "--url", url]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    return result.stdout, sorted(re.findall(r"Run +Job \S+ http_files\.(\w+)\(", result.stderr))


def test_a_changed_page_is_read_again(folder: Path, url: str) -> None:
    assert run(folder, url) == ("17\n", ["add_up", "add_up", "main", "total"])
    assert run(folder, url) == ("17\n", [])
    with (folder / "site" / "second.txt").open("a") as page:
        page.write("west 5\n")
    printed, ran = run(folder, url)
    assert printed == "22\n"
    assert ran.count("add_up") == 1
    assert "total" in ran


def test_a_server_that_is_gone_is_named(folder: Path, url: str) -> None:
    run(folder, url)
    command = [sys.executable, "-m", "redun", "run", "workflow.py", "main", "--url", "http://127.0.0.1:9"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert result.returncode == 1
    assert "http://127.0.0.1:9/first.txt" in result.stderr
    assert "onnect" in result.stderr
