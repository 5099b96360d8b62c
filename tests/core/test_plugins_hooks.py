"""The hooks that are called while redun works, and the promises of their documentation."""

from __future__ import annotations

import inspect
import sys
import textwrap
import threading

import pytest
from redun.errors import PluginError
from redun.plugins import ExecutionInfo, Plugins, hookspecs
from redun.plugins.discovery import Entry, Origin

HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("redun_")}


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Loads plugin modules of these texts, in this order."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(*texts: str) -> Plugins:
        entries = []
        for number, text in enumerate(texts):
            module = f"{tmp_path.name.replace('-', '_')}_hooks_{number}"
            head = "from redun.plugins import *\nREDUN_PLUGIN_API = (1, 0)\n"
            (tmp_path / f"{module}.py").write_text(head + textwrap.dedent(text))
            entries.append(Entry(f"p{number}", module, Origin(name=f"dist-{number}", version="1")))
        return Plugins.load(entries, disabled=frozenset())

    return make


def test_there_are_the_ten_documented_hooks():
    assert sorted(HOOKS) == [
        "redun_execution_tags",
        "redun_job_observers",
        "redun_register_backends",
        "redun_register_commands",
        "redun_register_config_sections",
        "redun_register_executors",
        "redun_register_filesystems",
        "redun_register_value_types",
        "redun_render_value",
        "redun_resolve_secret",
    ]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_documents_when_it_is_called_its_arguments_its_result_and_its_age(name):
    text = inspect.getdoc(HOOKS[name])
    assert "\nCalled " in text
    assert "\nResult: " in text
    assert "\nAdded in " in text
    counted = (
        "The first result that is not None counts." if HOOKS[name].redun_spec["firstresult"] else "all plugins count"
    )
    assert counted in " ".join(text.split())
    parameters = list(inspect.signature(HOOKS[name]).parameters)
    assert all(f"\n{parameter}: " in text for parameter in parameters)
    assert parameters or "no arguments" in " ".join(text.split())


def test_the_first_secret_that_is_found_counts(plugins):
    found = plugins(
        """
        @hookimpl(trylast=True)
        def redun_resolve_secret(name, config):
            return {"username": "second"}
        """,
        """
        @hookimpl
        def redun_resolve_secret(name, config):
            return {"username": name + config["a"]["b"]} if name == "mine" else None
        """,
    )
    assert found.resolve_secret("mine", {"a": {"b": "!"}}) == {"username": "mine!"}
    assert found.resolve_secret("other", {}) == {"username": "second"}


def test_a_secret_that_nobody_has_says_what_to_install(plugins):
    with pytest.raises(PluginError, match=r'resolves the secret "db"\. Try: pip install redun-aws'):
        plugins().resolve_secret("db", {})


def test_execution_tags_of_all_plugins_are_joined_and_an_error_leaves_out_only_that_plugin(plugins, caplog):
    found = plugins(
        """
        @hookimpl
        def redun_execution_tags(config):
            return {"site": "lab"}
        """,
        """
        @hookimpl
        def redun_execution_tags(config):
            raise OSError("no network")
        """,
        """
        @hookimpl
        def redun_execution_tags():
            return {"cluster": 7}
        """,
    )
    assert found.execution_tags({}) == {"site": "lab", "cluster": 7}
    assert caplog.messages == ["redun_execution_tags of dist-1 1 failed: OSError: no network"]


def test_execution_tags_do_not_wait_for_a_plugin_that_hangs(plugins):
    found = plugins(
        """
        import threading
        release = threading.Event()
        @hookimpl
        def redun_execution_tags():
            release.wait()
            return {"late": True}
        """
    )
    module = sys.modules[found.records[-1].module]
    try:
        assert found.execution_tags({}, time_limit=0.01) == {}
    finally:
        module.release.set()
        for thread in threading.enumerate():
            if thread.name == "redun-execution-tags":
                thread.join()


def test_job_observers_of_all_plugins_are_collected_and_know_the_execution(plugins):
    text = """
        class Observer:
            def __init__(self, execution): self.execution = execution
            def handle(self, events): pass
        @hookimpl
        def redun_job_observers(config, execution):
            return [Observer(execution)]
    """
    info = ExecutionInfo("id", "project", "ns.main")
    observers = plugins(text, text).job_observers({}, info)
    assert [one.execution for one in observers] == [info, info]


def test_the_first_view_of_a_value_counts_and_none_means_no_view(plugins):
    found = plugins(
        """
        @hookimpl
        def redun_render_value(value):
            if value == "boom":
                raise ValueError(value)
            return f"<{value}>" if isinstance(value, str) else None
        """
    )
    assert found.render_value("x") == "<x>"
    assert found.render_value(5) is None
    assert found.render_value("boom") is None
