"""Packages of code: the same for the same files, sent once, unpacked with care."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import remote_fixtures
from redun.errors import ExecutorError
from redun.executors.base import TaskTarget
from redun.remote import ScratchError, code_package
from redun.remote.code_package import find_code, pack_code, send_code, unpack_code
from redun.remote.scratch import Scratch
from redun.testing import call_target

if TYPE_CHECKING:
    from pathlib import Path

    from remote_fixtures import Start

cluster = remote_fixtures.cluster
start = remote_fixtures.start

MODULE = """
from redun import task
from lib.helper import double
redun_namespace = "packed"
@task(version="1")
def work(x):
    return double(x)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with code, and what does not belong to it."""
    folder = tmp_path / "project"
    files = {
        "flows/flow.py": MODULE,
        "lib/__init__.py": "",
        "lib/helper.py": "def double(x):\n    return 2 * x\n",
        "lib/test_helper.py": "",
        "data.csv": "1,2",
        ".venv/hidden.py": "",
        "lib/.hidden.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_files_that_match_are_packed_and_no_hidden_ones(project: Path) -> None:
    names = ["flows/flow.py", "lib/__init__.py", "lib/helper.py", "lib/test_helper.py"]
    assert find_code(project, ["**/*.py"]) == names
    assert find_code(project, ["**/*.py"], ["**/test_*.py", "flows/*"]) == ["lib/__init__.py", "lib/helper.py"]
    assert find_code(project, ["*.csv", "data.*"]) == ["data.csv"]


def test_patterns_that_match_nothing_are_an_error_that_names_them(project: Path) -> None:
    with pytest.raises(ExecutorError, match=r"no file in .*project matches \*\*/\*\.rs without \*\.x"):
        find_code(project, ["**/*.rs"], ["*.x"])


@pytest.mark.parametrize("pattern", ["../*.py", "/etc/*", "a/../../b"])
def test_patterns_stay_in_the_folder(project: Path, pattern: str) -> None:
    with pytest.raises(ExecutorError, match="must be relative"):
        find_code(project, [pattern])


def test_the_same_files_make_the_same_archive(project: Path) -> None:
    names = find_code(project, ["**/*.py"])
    before = pack_code(project, names)
    for name in names:
        os.utime(project / name, (1, 1))
    assert pack_code(project, names) == before
    (project / names[0]).write_text("changed")
    assert pack_code(project, names) != before


def test_unchanged_code_is_not_sent_again(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = Scratch(str(tmp_path / "scratch"))
    path = send_code(scratch, True, "**/*.py", "", project)
    assert path is not None
    assert path.startswith(f"{tmp_path}/scratch/code/")
    monkeypatch.setattr(code_package, "write_file", lambda *_: pytest.fail("sent again"))
    assert send_code(scratch, True, "**/*.py", "", project) == path
    assert send_code(scratch, False, "**/*.py", "", project) is None


def test_a_package_of_ones_own_is_sent_as_it_is(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.tar.gz"
    own.write_bytes(pack_code(project, ["data.csv"]))
    path = send_code(Scratch(str(tmp_path / "scratch")), str(own), "nothing", "", project)
    assert path is not None
    unpack_code(path, tmp_path / "unpacked")
    assert (tmp_path / "unpacked" / "data.csv").read_text() == "1,2"
    with pytest.raises(ExecutorError, match=r"code_package = /nowhere: there is no such file"):
        send_code(Scratch(str(tmp_path / "scratch")), "/nowhere", "", "", project)


def test_patterns_may_be_quoted_as_in_a_shell(project: Path, tmp_path: Path) -> None:
    (project / "a b.py").write_text("")
    path = send_code(Scratch(str(tmp_path / "scratch")), True, "'a b.py' data.csv", "", project)
    assert path is not None
    unpack_code(path, tmp_path / "unpacked")
    assert sorted(os.listdir(tmp_path / "unpacked")) == ["a b.py", "data.csv"]


def test_a_large_package_is_warned_about(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(code_package, "LARGE", 10)
    send_code(Scratch(str(tmp_path / "scratch")), True, "**/*.py", "", project)
    assert "MB, which every job fetches" in caplog.text


def _link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def _device() -> tarfile.TarInfo:
    entry = tarfile.TarInfo("device")
    entry.type = tarfile.CHRTYPE
    return entry


HOSTILE: dict[str, list[tarfile.TarInfo]] = {
    "above": [tarfile.TarInfo("../evil")],
    "absolute link": [_link("link", "/etc/passwd", tarfile.SYMTYPE)],
    "link above": [_link("link", "../..", tarfile.SYMTYPE)],
    "hard link": [_link("link", "../../evil", tarfile.LNKTYPE)],
    "device": [_device()],
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_archive_is_refused_as_a_whole(tmp_path: Path, kind: str) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for entry in [tarfile.TarInfo("harmless"), *HOSTILE[kind]]:
            tar.addfile(entry)
    (tmp_path / "code.tar.gz").write_bytes(archive.getvalue())
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    with pytest.raises(ScratchError, match="cannot be unpacked"):
        unpack_code(str(tmp_path / "code.tar.gz"), folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_spoilt_or_missing_archive_is_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "code.tar.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ScratchError, match=r"package of code .*code\.tar\.gz"):
        unpack_code(str(path), tmp_path)


def test_a_job_has_the_code_of_the_workflow_where_it_runs(
    start: Start, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    options: dict[str, Any] = {"working_folder": str(elsewhere), "code_package": True, "code_excludes": "**/test_*.py"}
    executor, sink = start(**options)
    target = TaskTarget("packed.work", b"", "flow", (str(project / "flows"), str(project)))
    executor.submit([call_target(1, target, 21)])
    assert sink.wait([1])[0].value == 42
    assert sorted(os.listdir(elsewhere)) == ["flows", "lib"]
    assert "test_helper.py" not in os.listdir(elsewhere / "lib")


def test_a_package_that_cannot_be_made_fails_the_calls(start: Start, tmp_path: Path) -> None:
    executor, sink = start(code_package=True, code_includes="**/*.nothing")
    executor.submit([call_target(1, TaskTarget("packed.work", b"", "flow", ()), 21)])
    assert "matches **/*.nothing" in str(sink.wait([1])[0].error)
