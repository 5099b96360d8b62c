"""Script tasks, for executors that declare them."""

# ruff: noqa: D102 - the name of a test is its promise
from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from redun.errors import ExecutorError
from redun.executors import scripts
from redun.executors.scripts import ScriptError
from redun.testing import tasks
from redun.testing.executor_fixtures import ExecutorFixtures
from redun.testing.task_calls import Meeting, is_over, make_call, within

if TYPE_CHECKING:
    from pathlib import Path

    from redun.executors.base import Executor
    from redun.testing.recording_sink import RecordingSink


class Scripts(ExecutorFixtures):
    """A script's stdout is the result, as bytes; its exit code decides whether there is one."""

    @pytest.fixture
    def scripting(self, running: Executor) -> Executor:
        """The executor under test, if it runs scripts."""
        if not running.capabilities.scripts:
            pytest.skip("this executor does not run scripts")
        return running

    @pytest.fixture
    def script_meeting(self, scripting: Executor, tmp_path: Path) -> Meeting:
        """A meeting with a script."""
        if self.submit_waits or not self.shares_filesystem:
            pytest.skip("cannot hold a script of this executor")
        return Meeting(tmp_path, scripting.name, self.wait_seconds)

    def test_a_script_is_done_with_what_it_writes(self, scripting: Executor, sink: RecordingSink) -> None:
        scripting.submit([make_call(1, tasks.script, "echo hello"), make_call(2, tasks.add, 1)])
        script, plain = sink.wait([1, 2])
        assert script == ("done", b"hello\n", None, None)
        assert plain.value == 2

    def test_a_script_may_be_indented_and_long(self, scripting: Executor, sink: RecordingSink) -> None:
        lines = "\n".join(f"                echo line {number}" for number in range(3000))
        scripting.submit([make_call(1, tasks.script, f"\n{lines}\n")])
        assert sink.wait([1])[0].value.splitlines() == [b"line %d" % number for number in range(3000)]

    @pytest.mark.parametrize(
        "words", [["printf", "%s", 'it\'s "quoted" $HOME `x` \\ *\n'], ["echo", "-n", ""]], ids=["odd", "empty"]
    )
    def test_the_words_of_a_command_arrive_as_they_are(
        self, scripting: Executor, sink: RecordingSink, words: list[str]
    ) -> None:
        scripting.submit([make_call(1, tasks.script, words)])
        assert sink.wait([1])[0].value == words[2].encode()

    def test_a_script_says_what_runs_it(self, scripting: Executor, sink: RecordingSink) -> None:
        text = "#!/usr/bin/env python3\nimport sys\nsys.stdout.buffer.write(bytes(range(256)))"
        scripting.submit([make_call(1, tasks.script, text)])
        assert sink.wait([1])[0].value == bytes(range(256))

    def test_output_may_be_large(self, scripting: Executor, sink: RecordingSink) -> None:
        scripting.submit([make_call(1, tasks.script, "head -c 10000000 /dev/zero; head -c 1000000 /dev/zero >&2")])
        assert sink.wait([1])[0].value == bytes(10_000_000)

    def test_a_failing_script_fails_its_call(self, scripting: Executor, sink: RecordingSink) -> None:
        text = "echo output\necho some advice >&2\nexit 3"
        scripting.submit([make_call(1, tasks.script, text), make_call(2, tasks.script, "echo fine")])
        bad, good = sink.wait([1, 2])
        assert good.value == b"fine\n"
        assert isinstance(bad.error, ScriptError)
        assert bad.error.exit_code == 3
        assert b"some advice\n" in bad.error.stderr
        assert "exit code 3" in str(bad.error)
        assert "some advice" in str(bad.error)

    @pytest.mark.parametrize("text", ["false; echo on", "false | cat; echo on", "kill -9 $$"])
    def test_a_script_stops_at_the_first_failure(self, scripting: Executor, sink: RecordingSink, text: str) -> None:
        scripting.submit([make_call(1, tasks.script, text)])
        assert isinstance(sink.wait([1])[0].error, ScriptError)

    def test_a_script_with_nothing_to_run_it_fails(self, scripting: Executor, sink: RecordingSink) -> None:
        scripting.submit([make_call(1, tasks.script, "#!/nowhere/interpreter\n"), make_call(2, tasks.add, 1)])
        bad, good = sink.wait([1, 2])
        assert good.value == 2
        assert isinstance(bad.error, ExecutorError)

    def test_a_body_that_raises_or_returns_no_script_fails(self, scripting: Executor, sink: RecordingSink) -> None:
        scripting.submit([make_call(1, tasks.fail_before_script, "no luck"), make_call(2, tasks.script, 5)])
        raised, no_script = sink.wait([1, 2])
        assert type(raised.error) is tasks.PlainError
        assert isinstance(no_script.error, ExecutorError)
        assert "redun_testing.script must return the text of a script" in str(no_script.error)

    def test_a_script_has_nothing_to_read(self, scripting: Executor, sink: RecordingSink) -> None:
        scripting.submit([make_call(1, tasks.script, "cat; echo end")])
        assert sink.wait([1])[0].value == b"end\n"

    def test_many_scripts_run(self, scripting: Executor, sink: RecordingSink) -> None:
        self.submit(scripting, [make_call(number, tasks.script, f"echo {number}") for number in range(40)])
        assert [int(end.value) for end in sink.wait(range(40))] == list(range(40))

    def test_a_script_that_runs_can_be_cancelled(
        self, scripting: Executor, sink: RecordingSink, script_meeting: Meeting
    ) -> None:
        scripting.submit([script_meeting.script_call(1)])
        script_meeting.wait_until_started()
        held = script_meeting.hold()
        try:
            within(self.wait_seconds, "the return of cancel", lambda: scripting.cancel([1]))
            assert sink.wait([1])[0].kind == "cancelled"
            assert is_over(held), "a process of the script runs on"
        finally:
            os.close(held)
        scripting.submit([make_call(2, tasks.script, "echo next")])
        assert sink.wait([2])[0].value == b"next\n"

    def test_a_script_that_resists_is_killed(
        self, scripting: Executor, sink: RecordingSink, script_meeting: Meeting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scripts, "GRACE_SECONDS", 0.2)
        scripting.submit([script_meeting.script_call(1, before="trap '' TERM")])
        script_meeting.wait_until_started()
        held = script_meeting.hold()
        try:
            scripting.cancel([1])
            assert sink.wait([1])[0].kind == "cancelled"
            assert is_over(held), "a process of the script runs on"
        finally:
            os.close(held)

    def test_stop_leaves_no_script_behind(
        self, scripting: Executor, sink: RecordingSink, script_meeting: Meeting
    ) -> None:
        if not scripting.capabilities.abandons_running:
            pytest.skip("this executor waits for what runs")
        scripting.submit([script_meeting.script_call(1)])
        script_meeting.wait_until_started()
        held = script_meeting.hold()
        try:
            within(self.wait_seconds, "the end of the executor", scripting.stop)
            sink.close()
            assert is_over(held), "a process of the script runs on"
        finally:
            os.close(held)
