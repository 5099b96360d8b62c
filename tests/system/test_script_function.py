"""`script()` through `redun run`: on every executor, with much output, interrupted, and with files of a web server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.standard

WORKFLOW = """
from redun import Dir, File, script, task

redun_namespace = "acme"


@task()
def main(kept: str = "kept"):
    kept_folder = Dir(kept)
    return script(
        "echo ran >> $PWD/ran.txt; tr a-z A-Z < in.txt > out.txt; mkdir d; cp out.txt d; echo done",
        inputs=[kept_folder.file("in.txt").stage("in.txt")],
        outputs={"stdout": File("-"), "file": kept_folder.file("out.txt").stage(), "dir": Dir(kept + "/d").stage("d")},
        tempdir=True,
    )


@task()
def much(megabytes: int = 50):
    return measure(script(f"head -c {megabytes}000000 /dev/zero", outputs=[File("-"), "label"]))


@task()
def measure(result):
    return len(result[0]), result[1]


@task()
def hold(started: str, release: str):
    return script(f"echo started > {started}; cat {release}", tempdir=True)


@task()
def fetch(url: str):
    return script("wc -c < page", inputs=[File(url).stage("page")])
"""
REDUN = str(Path(sys.executable).with_name("redun"))
# `redun` is not on this PATH: a script that copies remote files has to find it all the same.
ENVIRON = {key: text for key, text in os.environ.items() if not key.startswith("REDUN")} | {"PATH": os.defpath}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wf.py").write_text(WORKFLOW)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "in.txt").write_text("hello")
    (tmp_path / "tmp").mkdir()
    return tmp_path


def command(*words: str) -> list[str]:
    return [REDUN, "run", "wf.py", *words]


def environ(folder: Path) -> dict[str, str]:
    return {**ENVIRON, "TMPDIR": str(folder / "tmp")}


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*words), cwd=folder, env=environ(folder), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done


def left_behind(folder: Path) -> list[str]:
    return [str(path) for path in (folder / "tmp").glob("redun-*")]


def configure(folder: Path, text: str) -> None:
    (folder / ".redun").mkdir()
    (folder / ".redun" / "redun.ini").write_text(text)


@pytest.mark.parametrize("mode", ["thread", "process"])
def test_files_are_staged_and_the_script_runs_again_when_they_change(folder, mode):
    configure(folder, f"[executors.default]\ntype = local\nmode = {mode}\n")
    first = run(folder, "main", "--kept", str(folder / "kept"))
    assert "b'done\\n'" in first.stdout
    assert (folder / "kept/out.txt").read_text() == (folder / "kept/d/out.txt").read_text() == "HELLO"
    assert not (folder / "ran.txt").exists()
    second = run(folder, "main", "--kept", str(folder / "kept"))
    assert "Run    Job" not in second.stderr
    assert second.stdout == first.stdout
    (folder / "kept/in.txt").write_text("changed")
    run(folder, "main", "--kept", str(folder / "kept"))
    assert (folder / "kept/out.txt").read_text() == "CHANGED"
    (folder / "kept/d/out.txt").unlink()
    run(folder, "main", "--kept", str(folder / "kept"))
    assert (folder / "kept/d/out.txt").read_text() == "CHANGED"
    assert left_behind(folder) == []


def test_kept_files_may_be_relative_to_where_the_workflow_runs(folder):
    run(folder, "main")
    assert (folder / "kept/out.txt").read_text() == (folder / "kept/d/out.txt").read_text() == "HELLO"


@pytest.mark.parametrize("mode", ["thread", "process"])
def test_much_output_comes_through(folder, mode):
    configure(folder, f"[executors.default]\ntype = local\nmode = {mode}\n")
    assert run(folder, "much").stdout == "(50000000, 'label')\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_neither_a_process_nor_a_folder(folder, number):
    started, release = folder / "started", folder / "release"
    os.mkfifo(started)
    os.mkfifo(release)
    words = command("hold", "--started", str(started), "--release", str(release))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, cwd=folder, env=environ(folder), **pipes) as process:
        try:
            assert started.read_text() == "started\n"
            held = os.open(release, os.O_WRONLY)
            process.send_signal(number)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode in (130, 143)
    with pytest.raises(BrokenPipeError):
        os.write(held, b".")
    os.close(held)
    assert left_behind(folder) == []


def test_a_script_gets_the_page_of_a_web_server_and_notices_a_new_one(folder):
    pytest.importorskip("aiohttp")
    sys.path.append(str(Path(__file__).parents[1] / "core"))
    from small_web_server import web_server

    with web_server() as site:
        url = site.put("/page", b"12345", ETag='"1"')
        assert run(folder, "fetch", "--url", url).stdout == "b'5\\n'\n"
        assert "Run    Job" not in run(folder, "fetch", "--url", url).stderr
        site.put("/page", b"123456", ETag='"2"')
        assert run(folder, "fetch", "--url", url).stdout == "b'6\\n'\n"
