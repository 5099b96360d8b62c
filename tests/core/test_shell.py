"""The text of scripts, and what runs them."""

from __future__ import annotations

import pickle

import pytest
from redun import task
from redun.errors import ExecutorError
from redun.executors.scripts import MOST_STDERR, ScriptError, ScriptProcess
from redun.shell import DEFAULT_SHELL, get_task_command, prepare_command
from redun.testing.task_calls import Meeting, is_over, within

redun_namespace = "shell_tests"


@task(script=True)
def greet(name):
    return f"echo hello {name}"


@task(script=True)
def number():
    return 5


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("echo hello", f"{DEFAULT_SHELL}\necho hello\n"),
        ("\n    if true; then\n      echo\n    fi\n  ", f"{DEFAULT_SHELL}\nif true; then\n  echo\nfi\n"),
        ("\n    #!/usr/bin/env python3\n    print(1)\n", "#!/usr/bin/env python3\nprint(1)\n"),
        (["echo", "a b", "it's"], f"{DEFAULT_SHELL}\necho 'a b' 'it'\"'\"'s'\n"),
        ((), f"{DEFAULT_SHELL}\n\n"),
    ],
)
def test_a_command_becomes_a_script(command, text):
    assert prepare_command(command) == text


def test_another_shell_may_be_the_default():
    assert prepare_command("echo", "#!/bin/sh") == "#!/bin/sh\necho\n"


@pytest.mark.parametrize("command", [None, 5, b"echo", ["echo", 5], {"echo": 1}])
def test_anything_else_is_no_command(command):
    with pytest.raises(TypeError, match="a text or a list of words"):
        prepare_command(command)


def test_a_script_task_makes_a_script_of_its_arguments():
    assert get_task_command(greet, ["you"], {}) == f"{DEFAULT_SHELL}\necho hello you\n"
    with pytest.raises(ExecutorError, match=r"shell_tests\.number must return the text .* not int"):
        get_task_command(number, [], {})


def test_a_script_error_says_how_the_script_ended_and_survives_pickling():
    error = pickle.loads(pickle.dumps(ScriptError(b"first\nlast line\n", 3)))
    assert (error.stderr, error.exit_code) == (b"first\nlast line\n", 3)
    assert str(error) == "the script ended with exit code 3. Last lines of stderr:\nfirst\nlast line"
    assert str(ScriptError(b"", -9)) == "the script ended with signal 9"
    assert "\ufffd" in str(ScriptError(b"\xff\xfe"))


def test_a_script_error_has_what_was_written_as_text():
    error = pickle.loads(pickle.dumps(ScriptError(b"first\xff\n", 3)))
    assert error.message == "first\ufffd\n"
    assert error.args == (b"first\xff\n",)


@pytest.mark.parametrize(
    "text", [f"cat {greet('you').path}", "echo " + str(greet("you")), f"echo {greet('a')[0]}; false"]
)
def test_a_script_that_holds_the_name_of_a_call_instead_of_its_result_fails_with_a_hint(text):
    with pytest.raises(ScriptError) as caught:
        ScriptProcess().run(prepare_command(text))
    last = str(pickle.loads(pickle.dumps(caught.value))).splitlines()[-1]
    assert last.startswith("Hint: the script holds `shell_tests.greet(...` as text, ")


@pytest.mark.parametrize("text", ["exit 1", "echo 'nobody.knows(1)'; exit 1", "echo 'my.shell_tests.greet(1)'; exit 1"])
def test_any_other_script_error_has_no_hint(text):
    with pytest.raises(ScriptError) as caught:
        ScriptProcess().run(prepare_command(text))
    assert "Hint" not in str(caught.value)


def test_an_error_keeps_the_end_of_a_long_stderr():
    with pytest.raises(ScriptError) as caught:
        ScriptProcess().run(prepare_command("set +x; head -c 1000000 /dev/zero >&2; echo end >&2; exit 1"))
    assert len(caught.value.stderr) == MOST_STDERR
    assert caught.value.stderr.endswith(b"end\n")


def test_nothing_is_left_in_the_folder_of_temporary_files(tmp_path):
    assert ScriptProcess(tmp_path).run(prepare_command(f"ls {tmp_path} | wc -l")).strip() == b"1"
    with pytest.raises(ScriptError):
        ScriptProcess(tmp_path).run(prepare_command("exit 1"))
    assert list(tmp_path.iterdir()) == []


def test_the_script_is_private(tmp_path):
    output = ScriptProcess(tmp_path).run(prepare_command('stat -c %a "$0" "$(dirname "$0")"'))
    assert output.split() == [b"700", b"700"]


def test_what_a_script_leaves_in_the_background_does_not_keep_it(tmp_path):
    meeting = Meeting(tmp_path, "background")
    assert ScriptProcess().run(prepare_command(f"cat {meeting.release} &\necho done")) == b"done\n"
    meeting.let_go()


def test_a_script_that_is_cancelled_before_it_begins_does_not_begin(tmp_path):
    process = ScriptProcess()
    process.cancel()
    process.cancel()
    with pytest.raises(ExecutorError, match="cancelled"):
        process.run(prepare_command(f"touch {tmp_path}/ran"))
    assert not (tmp_path / "ran").exists()


def test_an_interrupt_in_the_running_thread_ends_the_script(tmp_path, monkeypatch):
    import os
    import subprocess

    meeting = Meeting(tmp_path, "meeting")
    held = []
    wait = subprocess.Popen.wait

    def interrupt(process, *args, **kwargs):
        if not held:
            meeting.wait_until_started()
            held.append(meeting.hold())
            raise KeyboardInterrupt
        return wait(process, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupt)
    text = prepare_command(f"echo > {meeting.started}; cat {meeting.release}")
    with pytest.raises(KeyboardInterrupt):
        within(60, "the end of the script", lambda: ScriptProcess().run(text))
    assert is_over(held[0])
    os.close(held[0])
