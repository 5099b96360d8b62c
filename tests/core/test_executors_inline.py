"""The inline executor."""

import pytest
from redun.errors import ExecutorError
from redun.executors.base import TaskTarget
from redun.executors.inline import InlineExecutor
from redun.testing import ExecutorSuite, tasks
from redun.testing.task_calls import call_target, make_call


class TestInlineExecutor(ExecutorSuite):
    submit_waits = True

    @pytest.fixture
    def executor(self):
        return InlineExecutor("inline")

    def test_calls_end_in_order_before_submit_returns(self, running, sink):
        running.submit([make_call(number, tasks.add, number) for number in (3, 1, 2)])
        assert list(sink.ends) == [3, 1, 2]

    def test_a_keyboard_interrupt_leaves_submit_and_cancels_what_is_left(self, running, sink, monkeypatch):
        def interrupt(value):
            raise KeyboardInterrupt

        monkeypatch.setattr(tasks.echo, "func", interrupt)
        calls = [make_call(1, tasks.add, 1), make_call(2, tasks.echo, 1), make_call(3, tasks.add, 1)]
        with pytest.raises(KeyboardInterrupt):
            running.submit(calls)
        assert [end.kind for end in sink.wait([1, 2, 3])] == ["done", "cancelled", "cancelled"]

    def test_it_goes_on_after_an_interrupt(self, running, sink, monkeypatch):
        def interrupt(value):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(tasks.echo, "func", interrupt)
            with pytest.raises(KeyboardInterrupt):
                running.submit([make_call(1, tasks.echo, 1)])
        running.submit([make_call(2, tasks.echo, 5)])
        assert sink.wait([2])[0].value == 5


def test_a_module_that_fails_to_import_is_named_with_its_error(tmp_path, monkeypatch):
    from redun.executors.calls import run_call

    (tmp_path / "redun_testing_broken.py").write_text("raise RuntimeError('half-written')")
    monkeypatch.setattr("sys.path", ["/elsewhere"])
    target = TaskTarget("broken.work", b"", "redun_testing_broken", (str(tmp_path),))
    with pytest.raises(ExecutorError, match=r"redun_testing_broken.*RuntimeError: half-written"):
        run_call(call_target(1, target))


def test_a_task_of_an_interactive_program_gets_advice():
    from redun.executors.calls import run_call

    with pytest.raises(ExecutorError, match=r'under `if __name__ == "__main__":`'):
        run_call(call_target(1, TaskTarget("nowhere.work", b"", "__main__", ())))


def test_import_paths_come_first_in_their_order(monkeypatch):
    from redun.executors.calls import add_import_paths

    monkeypatch.setattr("sys.path", ["/b", "/lib"])
    add_import_paths(("/a", "/b", "/c"))
    import sys

    assert sys.path == ["/a", "/c", "/b", "/lib"]
