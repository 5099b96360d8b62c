"""The options of executors for jobs elsewhere, and the files that both sides share."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from redun.executors.scripts import ScriptProcess
from redun.remote import RemoteOptions, RemoteSettings, RemoteTaskOptions, ScratchError
from redun.remote.frames import OUTCOME, Frame, pack, unpack
from redun.remote.scratch import JobFiles, Scratch, file_exists, list_folder, read_file, remove_file, write_file
from redun.remote.script_command import read_status, script_command


def test_the_settings_describe_every_option_with_its_default() -> None:
    options = {one.name: one.default for one in fields(RemoteOptions)}
    settings = {name: one.default for name, one in RemoteSettings.model_fields.items()}
    assert settings == options
    assert all(one.description for one in RemoteSettings.model_fields.values())


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("no", False), ("false", False), ("../code.tar.gz", "../code.tar.gz")]
)
def test_a_package_of_code_is_switched_on_or_off_or_named(text: str, value: Any) -> None:
    assert RemoteSettings.model_validate({"code_package": text}).code_package == value


@pytest.mark.parametrize(
    "options",
    [
        {"min_array_size": "5", "max_array_size": "3"},
        {"bundle_size": "0"},
        {"job_monitor_interval": "0"},
        {"on_cancel": "explode"},
        {"job_name_prefix": "no spaces"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        RemoteSettings.model_validate(options)


def test_task_options_are_none_unless_a_task_sets_them() -> None:
    assert set(RemoteTaskOptions().model_dump().values()) == {None}


def test_a_run_without_jobs_elsewhere_imports_nothing_of_this() -> None:
    program = (
        "import json, sys\nfrom redun import Scheduler, task\nfrom redun.backends.memory import MemoryBackend\n"
        "@task(executor='inline')\ndef main(): return 1\n"
        "Scheduler(backend=MemoryBackend()).run(main())\nprint(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not [name for name in json.loads(done.stdout) if name.startswith("redun.remote")]


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_files_are_written_read_listed_and_removed_on_any_filesystem(tmp_path: Path, kind: str) -> None:
    root = str(tmp_path) if kind == "local" else f"memory://{tmp_path.name}"
    files = Scratch(f"{root}/scratch/").job(b"\1" * 20, "own")
    assert files.folder == f"{root}/scratch/jobs/{'01' * 20}/own"
    assert (read_file(files.output), file_exists(files.output), list_folder(files.folder)) == (None, False, [])
    write_file(files.output, b"first")
    write_file(files.output, b"second")
    assert (read_file(files.output), file_exists(files.output)) == (b"second", True)
    assert [path.rpartition("/")[2] for path in list_folder(files.folder)] == ["output"]
    remove_file(files.output)
    remove_file(files.output)
    assert read_file(files.output) is None


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScratchError, match=r"file/below cannot be written: NotADirectoryError|FileExistsError"):
        write_file(f"{tmp_path}/file/below", b"")


@given(payload=st.binary(max_size=300), order=st.sampled_from(["", "abc"]), seconds=st.floats(0, 1e6))
def test_a_frame_is_read_as_it_was_written(payload: bytes, order: str, seconds: float) -> None:
    frame = unpack("x", pack(Frame(OUTCOME, order, payload, seconds)))
    assert (frame.kind, frame.order, frame.payload) == (OUTCOME, order, payload)
    assert frame.seconds == pytest.approx(seconds, abs=1e-6)


@given(payload=st.binary(max_size=50), data=st.data())
def test_no_part_of_a_frame_is_a_frame_and_no_changed_one(payload: bytes, data: st.DataObject) -> None:
    whole = pack(Frame(OUTCOME, "order", payload))
    length = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ScratchError):
        unpack("x", whole[:length])
    if payload:
        place = len(whole) - 1 - data.draw(st.integers(0, len(payload) - 1))
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(ScratchError):
            unpack("x", changed)


# -- scripts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", 'it\'s "odd" $HOME `x` \\ *'])
def test_a_script_finds_its_files_whatever_their_names(tmp_path: Path, name: str) -> None:
    files = JobFiles(str(tmp_path / name))
    text = "#!/usr/bin/env bash\necho out\necho err >&2\nexit 3\n"
    write_file(files.input, text.encode())
    command = script_command(text, files, "the-order")
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)
    assert (read_file(files.output), read_file(files.error)) == (b"out\n", b"err\n")
    assert read_status(read_file(files.status) or b"") == ("the-order", 3)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_script_whose_scratch_folder_is_gone_says_so(tmp_path: Path) -> None:
    command = script_command("#!/bin/sh\necho out\n", JobFiles(str(tmp_path / "gone")), "order")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "the scratch folder cannot be reached" in done.stderr


@pytest.mark.parametrize("data", [b"", b"ok", b"fail order", b"fail order x", b"whatever it is", b"\xff\xfe"])
def test_a_spoilt_status_is_none(data: bytes) -> None:
    assert read_status(data) is None


def test_a_script_elsewhere_is_the_script_that_runs_here(tmp_path: Path) -> None:
    text = "#!/usr/bin/env python3\nprint(6 * 7)\n"
    files = JobFiles(str(tmp_path))
    write_file(files.input, text.encode())
    assert (
        subprocess.run(script_command(text, files, "o"), capture_output=True, timeout=60, check=True).stdout == b"42\n"
    )
    assert ScriptProcess().run(text) == b"42\n"
