"""`script()`: what goes in, what comes out, when it runs again, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
import redun
from hypothesis import given, settings
from hypothesis import strategies as st
from redun import Dir, File, script, task
from redun.errors import SchedulerError
from redun.file import ContentFile, FileSet, IFile, StagingDir, StagingFile
from redun.scripting import (
    ScriptError,
    exec_script,
    get_command_eof,
    get_wrapped_command,
    postprocess_script,
    prepare_command,
    script_task,
)
from redun.shell import temporary_folder

redun_namespace = "scripting_tests"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory, and a folder of temporary files of its own."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "work"
    assert list((tmp_path / "tmp").iterdir()) == []


def count(path="ran"):
    """How often a script has run that says so in this file."""
    return len(Path(path).read_text().splitlines()) if Path(path).exists() else 0


RAN = "echo ran >> ran"

# What comes out.


def test_the_result_is_what_the_script_prints_as_bytes(scheduler):
    assert scheduler.run(script("echo hello; printf '\\377'")) == b"hello\n\xff"
    assert redun.script is script


def test_an_indented_script_is_one_script(scheduler):
    command = """
        if true; then
            echo yes
        fi
    """
    assert scheduler.run(script(command)) == b"yes\n"


def test_the_first_line_says_what_runs_the_script(scheduler):
    assert scheduler.run(script("#!/usr/bin/env python3\nprint(6 * 7)")) == b"42\n"
    assert set(scheduler.run(script("#!/bin/sh -eu\necho $-"))) >= set(b"eu")


class Parts(NamedTuple):
    left: object
    right: object


def test_the_result_has_the_shape_of_the_outputs(scheduler):
    outputs = {"all": [File("-"), File("x"), ("a", 1)], "parts": Parts(File("y").stage("z"), None)}
    result = scheduler.run(script("echo X > x; echo Y > z; echo out", outputs=outputs))
    assert result == {"all": [b"out\n", result["all"][1], ("a", 1)], "parts": Parts(result["parts"].left, None)}
    assert [file.read() for file in (result["all"][1], result["parts"].left)] == ["X\n", "Y\n"]
    assert (result["parts"].left.path, type(result["parts"].left)) == ("y", File)


def test_files_stay_in_their_family(scheduler):
    outputs = [IFile("a"), ContentFile("b"), IFile("c").stage("a"), Dir("d")]
    result = scheduler.run(script("echo > a; echo > b; mkdir d; echo > d/e", outputs=outputs))
    assert [type(leaf) for leaf in result] == [IFile, ContentFile, IFile, Dir]
    assert [file.path for file in result[3]] == ["d/e"]


def test_outputs_have_the_hash_of_what_the_script_made(scheduler):
    File("x").write("before")
    result = scheduler.run(script("echo after > x", outputs=File("x")))
    assert result.hash == File("x").hash
    assert result.is_valid()


# Staging.


def test_files_are_staged_in_both_directions(scheduler, tmp_path):
    kept = Dir(str(tmp_path / "kept"))
    kept.file("in.txt").write("b\na\n")
    kept.file("sub/one").write("1")
    result = scheduler.run(
        script(
            "sort in.txt > out.txt; mkdir -p made/deep; cat sub/one > made/deep/two",
            inputs=[kept.file("in.txt").stage(), {"d": Dir(f"{kept.path}/sub").stage()}],
            outputs=(File(f"{kept.path}/new/out.txt").stage(), Dir(f"{kept.path}/made").stage()),
        )
    )
    assert result[0].read() == "a\nb\n"
    assert [file.path for file in result[1]] == [f"{kept.path}/made/deep/two"]


def test_a_directory_is_staged_onto_one_that_is_there(scheduler):
    Dir("kept").file("a").write("new")
    Dir("local").file("a").write("old")
    assert scheduler.run(script("cat local/a; ls local", inputs=Dir("kept").stage("local"))) == b"newa\n"


NAMES = [
    "a b",
    "it's",
    'say "x"',
    "a\nb",
    "-r",
    "$HOME",
    "`x`",
    "*",
    "ä/ö",
    "\\",
    "#",
    "~",
    "a;b",
    "caf\u00e9 \U0001f600",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tempdir", [False, True])
def test_any_path_is_staged(scheduler, tmp_path, name, tempdir):
    kept = File(str(tmp_path / "kept" / name))
    kept.write(name, encoding="utf-8")
    result = scheduler.run(
        script(
            ["cp", "-r", "--", f"./{name}", "./-copy"],
            inputs=[kept.stage(f"./{name}" if name != "-r" else name)],
            outputs=File(f"{name}.copy").stage("-copy"),
            tempdir=tempdir,
        )
    )
    assert result.path == f"{name}.copy"
    assert result.read(encoding="utf-8") == name


def test_remote_files_are_staged_by_redun_itself(scheduler, monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)
    assert File("memory://bucket/a b").stage("c d").render_stage() == "redun fs cp 'memory://bucket/a b' 'c d'"
    assert Dir("memory://bucket/a").stage("c").render_unstage() == "redun fs cp --recursive c memory://bucket/a"
    assert File("file:///tmp/x y").stage("b").render_unstage() == "mkdir -p /tmp && cp b '/tmp/x y'"
    # Nobody has put redun on PATH: the script finds it all the same.
    assert b"Copy" in scheduler.run(script("redun fs cp --help"))


def test_a_command_may_have_any_words(scheduler):
    words = ["printf", "%s\\0", "a b", "it's", "$HOME", "new\n  \nline", "", "ü"]
    assert scheduler.run(script(words)) == b"".join(word.encode() + b"\0" for word in words[2:])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_any_text_goes_through_the_shell(texts):
    command = prepare_command(["printf", "%s\\0", *texts])
    wrapped = prepare_command(get_wrapped_command(command), "#!/usr/bin/env bash")
    assert exec_script(wrapped) == b"".join(text.encode() + b"\0" for text in texts)


@given(st.lists(st.sampled_from(["EOF", "EOF1", "EOF2", " EOF", "EOF\r", "EOF\x0bEOF1", "x", ""])))
def test_a_here_document_ends_at_no_line_of_the_script(lines):
    eof = get_command_eof("\n".join(lines))
    assert eof not in lines
    assert eof.startswith("EOF")


def test_a_script_may_have_here_documents_of_the_same_kind(scheduler):
    command = "cat <<EOF\nfirst $((1 + 1))\n \nEOF\ncat <<'EOF1'\nEOF2\n$x\nEOF1"
    assert scheduler.run(script(command)) == b"first 2\n \nEOF2\n$x\n"


# The temporary folder.


def test_a_script_may_have_a_folder_of_its_own(scheduler, folder):
    File("in").write("x")
    outputs = [File("-"), File("kept").stage("made"), File("plain"), File(f"{folder}/absolute"), File("missing")]
    result = scheduler.run(
        script(
            f"pwd; ls -A; cp in made; cp in plain; cp in {folder}/absolute",
            inputs=[File("in").stage(), File(f"{folder}/in").stage("again")],
            outputs=outputs,
            tempdir=True,
        )
    )
    where, *names = result[0].decode().splitlines()
    assert where != str(folder)
    assert not Path(where).exists()
    assert names == ["again", "in"]
    assert sorted(path.name for path in folder.iterdir()) == ["absolute", "in", "kept", "plain"]
    assert [file.read() for file in result[1:4]] == ["x", "x", "x"]
    assert not result[4].exists()


@pytest.mark.parametrize("end", ["exit 3", "kill -9 $$", "kill -TERM $$", "mkdir x; touch x/y; chmod 0 x; exit 1"])
def test_the_folder_is_removed_whatever_ends_the_script(scheduler, end):
    # The fixture looks into the folder of temporary files.
    with pytest.raises(ScriptError):
        scheduler.run(script(f"touch some; {end}", tempdir=True))


def elsewhere(command):
    """How a script runs where nobody else cleans up: on another machine, say."""
    text = f'set -e\n{temporary_folder("d")}\ncd "$d"\n{get_wrapped_command(prepare_command(command))}'
    return ["bash", "-c", text]


@pytest.mark.parametrize("end", ["true", "exit 3", "kill -9 $$"])
def test_a_script_cleans_up_by_itself(end):
    done = subprocess.run(elsewhere(f"touch some\n{end}"), stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == {"true": 0, "exit 3": 3, "kill -9 $$": 137}[end]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_script_that_is_told_to_end_cleans_up(number, folder):
    os.mkfifo("started")
    command = f"touch some; echo > {folder}/started; sleep 1000"
    with subprocess.Popen(elsewhere(command), stderr=subprocess.PIPE, start_new_session=True) as process:
        Path("started").read_text()
        os.killpg(process.pid, number)
        # Until the end of stderr: the shells below this one clean up too.
        process.communicate(timeout=60)
    assert process.returncode != 0


# Failures.


@pytest.mark.parametrize(
    ("command", "code"),
    [("false; true", 1), ("false | true", 1), ("exit 7", 7), ("kill -9 $$", 137), ("no-such-command", 127)],
)
def test_a_script_fails_as_soon_as_a_command_does(scheduler, command, code):
    with pytest.raises(ScriptError) as caught:
        scheduler.run(script(f"echo before\n{command}\necho after >&2"))
    assert caught.value.exit_code == code
    assert b"after\n" not in caught.value.stderr.replace(b"+ echo after", b"")


def test_the_error_shows_the_end_of_stderr(scheduler):
    with pytest.raises(ScriptError, match=r"exit code 3(.|\n)*the last words") as caught:
        scheduler.run(script("for i in $(seq 100); do echo $i >&2; done; echo the last words >&2; exit 3"))
    assert len(str(caught.value).splitlines()) < 15


def test_the_traceback_shows_the_script_as_it_was_written(scheduler):
    with pytest.raises(ScriptError):
        scheduler.run(script("echo hello\nfalse", inputs=[File("x")], outputs=[File("y").stage("z")]))
    _, job, command, error, *_ = scheduler.traceback.format()
    assert "redun.script" in job
    assert command == "    command = 'echo hello\\nfalse'"
    assert "ScriptError" in error


@pytest.mark.parametrize(
    ("inputs", "outputs", "told"),
    [(File("none").stage("x"), [], "none"), ([], File("kept").stage("never-made"), "never-made")],
)
def test_a_file_that_cannot_be_staged_is_named(scheduler, inputs, outputs, told):
    with pytest.raises(ScriptError, match=told):
        scheduler.run(script("true", inputs=inputs, outputs=outputs))


def test_what_is_no_command_or_input_is_refused():
    with pytest.raises(TypeError, match="a text or a list of words, not int"):
        script(5)
    with pytest.raises(TypeError, match="item 1 of this list is a value of int"):
        script(["echo", 5])
    with pytest.raises(TypeError, match="an input of a script must be a file or directory, perhaps staged, not 'x'"):
        script("true", inputs=["x"])
    with pytest.raises(ValueError, match="NUL"):
        script(["echo", "a\0b"])


# When it runs again.


def test_a_script_runs_once_for_the_same_inputs(scheduler):
    File("in").write("x")
    for _ in range(2):
        assert scheduler.run(script(f"{RAN}; cat in", inputs=[File("in")])) == b"x"
    assert count() == 1


@pytest.mark.parametrize(
    "make", [lambda: File("d/in"), lambda: File("d/in").stage("here"), lambda: Dir("d"), lambda: FileSet("d/*")]
)
def test_a_changed_input_runs_it_again(scheduler, make):
    for text in ("one", "longer"):
        File("d/in").write(text)
        assert scheduler.run(script(f"{RAN}; cat d/in", inputs={"nested": [make()]})) == text.encode()
    assert count() == 2


def test_a_changed_command_or_shape_runs_it_again(scheduler):
    scheduler.run(script(RAN))
    scheduler.run(script(f"{RAN} # changed"))
    scheduler.run(script(RAN, outputs=[File("-")]))
    assert count() == 3


def test_a_set_of_files_has_those_that_the_script_has_left_and_runs_again_only_when_they_change(scheduler):
    def run(n):
        return scheduler.run(script(f"{RAN}; rm -rf d; mkdir d; seq {n} | split -l 1 - d/x", outputs=[FileSet("d/*")]))

    assert [[file.path for file in found] for found in run(2)] == [["d/xaa", "d/xab"]]
    assert run(2)[0].is_valid()
    assert count() == 1
    Path("d/more").write_text("by hand")
    assert len(run(2)[0].files()) == 2
    assert (count(), len(run(3)[0].files())) == (2, 3)


@pytest.mark.parametrize("spoil", [lambda: Path("x").unlink(), lambda: Path("x").write_text("by hand")])
@pytest.mark.parametrize("make", [lambda: File("x"), lambda: File("x").stage("y"), lambda: [File("-"), File("x")]])
def test_a_missing_or_changed_output_runs_it_again(scheduler, make, spoil):
    command = f"{RAN}; echo made > x; cp x y"
    scheduler.run(script(command, outputs=make()))
    scheduler.run(script(command, outputs=make()))
    assert count() == 1
    spoil()
    scheduler.run(script(command, outputs=make()))
    assert (count(), Path("x").read_text()) == (2, "made\n")
    scheduler.run(script(command, outputs=make()))
    assert count() == 2


@task()
def write(text):
    File("shared").write(text)
    return File("shared")


@task()
def read(file):
    return script(f"{RAN}; cat shared", inputs=[file])


@task()
def read_after(_, text):
    return read(write(text))


def test_a_file_that_changes_within_an_execution_is_read_twice(scheduler):
    first = read(write("one"))
    assert scheduler.run([first, read_after(first, "longer")]) == [b"one", b"longer"]
    assert count() == 2


def test_equal_scripts_of_an_execution_run_once(scheduler):
    assert scheduler.run([script(RAN), script(RAN)]) == [b"", b""]
    assert count() == 1


def test_a_failed_script_runs_again(scheduler):
    for _ in range(2):
        with pytest.raises(ScriptError):
            scheduler.run(script(f"{RAN}; exit 1"))
    assert count() == 2


def test_without_a_cache_it_always_runs(scheduler):
    scheduler.run(script(RAN, cache=False))
    scheduler.run(script(RAN, cache=False))
    assert count() == 2


# Options and expressions.


def test_options_are_those_of_the_task_that_runs_the_script(scheduler):
    with pytest.raises(SchedulerError, match="nowhere"):
        scheduler.run(script("true", executor="nowhere"))
    assert scheduler.run(script("test -e tried || { touch tried; exit 1; }", max_retries=1, retry_delay=0)) == b""


@task()
def name_of(text):
    return f"{text}.txt"


def test_command_inputs_and_outputs_may_be_lazy(scheduler):
    File("in.txt").write("lazy")
    expression = script(["cat", name_of("in")], inputs=[write("x")], outputs={"out": [File("-"), name_of("y")]})
    result = scheduler.run(expression)
    assert result == {"out": [b"lazy", "y.txt"]}
    assert scheduler.run(script(name_of("echo a"))) == b"a.txt\n"


def test_the_parts_can_be_used_alone(scheduler):
    assert scheduler.run(script_task("echo a")) == b"a\n"
    assert scheduler.run(postprocess_script(b"out", [StagingFile("-", "-"), StagingDir("d", "d"), 5]))[0] == b"out"
    assert exec_script(prepare_command("echo $((1 + 1))")) == b"2\n"
