"""What becomes of a plugin's module: loaded, disabled, incompatible or failed, and never an exception."""

from __future__ import annotations

import logging
import textwrap
from pathlib import Path

import pytest
from redun.errors import PluginError
from redun.plugins import Plugins, get_plugins, resolve, use_plugins
from redun.plugins.discovery import Entry, Origin, disabled_names, installed_entries

GOOD = """
    from redun.plugins import ExecutorType, hookimpl

    REDUN_PLUGIN_API = (1, 0)

    @hookimpl
    def redun_register_executors():
        return [ExecutorType("good", "nowhere:Executor", summary="a good one")]
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a plugin module of this text, and the entry that names it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    count = 0

    def make(text: str, name: str = "good", distribution: str = "", version: str = "1.0") -> Entry:
        nonlocal count
        count += 1
        module_name = f"{Path(tmp_path).name.replace('-', '_')}_plugin_{count}"
        (tmp_path / f"{module_name}.py").write_text(textwrap.dedent(text))
        return Entry(name, module_name, Origin(name=distribution or f"redun-executor-{name}", version=version))

    return make


def load(*entries: Entry, disabled: frozenset[str] = frozenset()) -> Plugins:
    return Plugins.load(entries, disabled=disabled)


def only(plugins: Plugins):
    (record,) = [one for one in plugins.records if one.name != "core"]
    return record


def test_a_plugin_is_listed_with_its_distribution_and_version_and_its_types_are_found(module):
    plugins = load(module(GOOD, version="2.5"))
    record = only(plugins)
    assert (record.name, record.distribution, record.version, record.status, record.error) == (
        "good",
        "redun-executor-good",
        "2.5",
        "loaded",
        None,
    )
    assert plugins.executor_type("good").summary == "a good one"


def test_the_core_registers_its_own_types_without_any_installed_plugin():
    plugins = load()
    assert list(plugins.executor_types()) == ["alias", "inline"]
    assert list(plugins.backend_types()) == ["memory"]
    assert [record.name for record in plugins.records] == ["core"]


@pytest.mark.parametrize(
    ("text", "status", "part"),
    [
        ("raise RuntimeError('no licence\\nfound')", "failed", "RuntimeError: no licence found"),
        ("import a_module_that_is_not_there", "failed", "No module named 'a_module_that_is_not_there'"),
        ("raise SystemExit(3)", "failed", "SystemExit: 3"),
        ("def broken(:", "failed", "SyntaxError"),
        ("", "incompatible", "does not declare REDUN_PLUGIN_API"),
        ("REDUN_PLUGIN_API = (2, 0)", "incompatible", "it speaks plugin API 2.0, this redun speaks 1.0"),
        ("REDUN_PLUGIN_API = (1, 7)", "incompatible", "it needs plugin API 1.7 or newer, this redun speaks 1.0"),
        ("REDUN_PLUGIN_API = '1.0'", "incompatible", "must be a pair of integers such as (1, 0)"),
        (
            GOOD + "\n    @hookimpl\n    def redun_register_executor():\n        return []\n",
            "failed",
            "unknown hook redun_register_executor; did you mean redun_register_executors?",
        ),
        (
            GOOD.replace("redun_register_executors()", "redun_register_executors(color)"),
            "failed",
            "color",
        ),
        (
            GOOD + "\n    @hookimpl\n    def redun_render_value(value, color):\n        return None\n",
            "failed",
            "color",
        ),
        (GOOD.replace("    @hookimpl\n", ""), "failed", "redun_register_executors is not marked with @hookimpl"),
    ],
)
def test_a_broken_plugin_is_recorded_with_the_reason_and_warned_about_in_one_line(module, caplog, text, status, part):
    with caplog.at_level(logging.WARNING, logger="redun"):
        plugins = load(module(text, "bad"), module(GOOD))
    record = next(one for one in plugins.records if one.name == "bad")
    assert record.status == status
    assert part in record.error
    (warning,) = caplog.messages
    assert "\n" not in warning
    assert warning.startswith('plugin "bad" (redun-executor-bad 1.0) was not loaded: ')
    assert "bad" not in plugins.executor_types()
    assert plugins.executor_type("good").name == "good", "the next plugin is loaded all the same"


def test_an_unknown_hook_that_is_marked_optional_is_accepted(module):
    text = GOOD + "\n    @hookimpl(optionalhook=True)\n    def redun_of_the_future():\n        return []\n"
    assert only(load(module(text))).status == "loaded"


def test_the_version_is_checked_before_anything_is_registered(module):
    plugins = load(module(GOOD.replace("(1, 0)", "(2, 0)")))
    assert "good" not in plugins.executor_types()


def test_a_module_that_two_entries_name_is_registered_once(module):
    entry = module(GOOD)
    plugins = load(entry, Entry("other", entry.module, entry.origin))
    assert plugins.executor_type("good").name == "good"
    assert plugins.problems() == []


def test_a_hook_that_raises_is_left_out_and_reported_with_its_distribution(module, caplog):
    text = """
        from redun.plugins import hookimpl
        REDUN_PLUGIN_API = (1, 0)
        @hookimpl
        def redun_register_executors():
            raise ValueError("out of cheese")
    """
    plugins = load(module(text, "bad"), module(GOOD))
    assert list(plugins.executor_types()) == ["alias", "good", "inline"]
    expected = "redun_register_executors of redun-executor-bad 1.0 failed: ValueError: out of cheese"
    assert plugins.problems() == [expected]
    assert caplog.messages == [expected]


def test_a_hook_that_returns_something_else_than_descriptors_is_reported(module):
    plugins = load(module(GOOD.replace('ExecutorType("good", "nowhere:Executor", summary="a good one")', '"good"')))
    assert list(plugins.executor_types()) == ["alias", "inline"]
    assert "it returned 'good', which is no ExecutorType" in plugins.problems()[0]


def test_two_providers_of_one_name_are_an_error_with_both_distributions_for_who_needs_it(module):
    plugins = load(module(GOOD), module(GOOD, name="fork", distribution="acme-redun", version="3.1"))
    assert "inline" in plugins.executor_types()
    assert plugins.executor_type("inline").name == "inline"
    with pytest.raises(PluginError) as error:
        plugins.executor_type("good")
    assert str(error.value).startswith(
        'executor type "good" is provided by both acme-redun 3.1 and redun-executor-good 1.0. Uninstall one of them'
    )
    assert plugins.problems() == [str(error.value)]


def test_a_missing_type_of_ours_says_what_to_install():
    with pytest.raises(PluginError) as error:
        load().executor_type("aws_batch")
    assert str(error.value) == (
        "no installed plugin provides it. Try: pip install redun-executor-batch. Installed: alias, inline."
    )


def test_no_install_hint_is_made_from_the_name_that_was_given():
    with pytest.raises(PluginError) as error:
        load().executor_type("evil")
    assert str(error.value) == "no installed plugin provides it. Installed: alias, inline."


def test_a_missing_type_whose_plugin_failed_says_why(module):
    plugins = load(module("import a_module_that_is_not_there", "foo", "redun-executor-foo"))
    with pytest.raises(PluginError) as error:
        plugins.executor_type("foo")
    assert 'Not loaded: plugin "foo" (redun-executor-foo 1.0): ModuleNotFoundError' in str(error.value)


@pytest.mark.parametrize("name", ["good", "Redun_Executor.Good"])
def test_a_plugin_is_disabled_by_its_name_or_that_of_its_distribution(module, name, caplog):
    disabled = disabled_names({"REDUN_DISABLE_PLUGINS": f"{name}, "})
    plugins = load(module("raise RuntimeError('imported')"), disabled=disabled)
    assert only(plugins).status == "disabled"
    assert caplog.messages == []
    with pytest.raises(PluginError, match="disabled by REDUN_DISABLE_PLUGINS"):
        plugins.executor_type("good")


def test_a_name_that_disables_nothing_is_warned_about_once(module, caplog):
    disabled = disabled_names({"REDUN_DISABLE_PLUGINS": "good,goood,core"})
    plugins = load(module(GOOD), module("REDUN_PLUGIN_API = (1, 0)", "other"), disabled=disabled)
    message = "REDUN_DISABLE_PLUGINS: no plugin to leave out is called core, goood. There are: good, other."
    assert caplog.messages == [message]
    assert plugins.problems() == [message]


def test_a_disabled_package_of_ours_is_not_advised_to_be_installed(module):
    plugins = load(module(GOOD, "local", "redun-executor-local"), disabled=frozenset({"local"}))
    with pytest.raises(PluginError) as error:
        plugins.executor_type("local")
    assert str(error.value) == (
        "no installed plugin provides it. redun-executor-local is installed, but REDUN_DISABLE_PLUGINS leaves it out. "
        "Installed: alias, inline."
    )


def test_what_has_nothing_to_do_with_a_missing_type_is_not_brought_up(module):
    plugins = load(module(GOOD, "local", "redun-executor-local"), disabled=frozenset({"local"}))
    with pytest.raises(PluginError, match=r"Installed: alias, inline\.$"):
        plugins.executor_type("aws_batch")
    with pytest.raises(PluginError, match=r"Not loaded: .*disabled by REDUN_DISABLE_PLUGINS"):
        plugins.executor_type("foo")


def test_a_package_of_ours_that_cannot_be_loaded_is_not_advised_to_be_installed(module):
    plugins = load(module("import a_module_that_is_not_there", "local", "redun-executor-local"))
    with pytest.raises(PluginError, match=r"Not loaded: .*a_module_that_is_not_there") as error:
        plugins.executor_type("local")
    assert "pip install" not in str(error.value)


@pytest.mark.standard
def test_with_autoload_off_an_installed_package_is_said_to_be_left_out(monkeypatch, caplog):
    monkeypatch.setenv("REDUN_PLUGIN_AUTOLOAD", "0")
    monkeypatch.setenv("REDUN_DISABLE_PLUGINS", "whatever")
    plugins = Plugins.load()
    assert caplog.messages == []
    with pytest.raises(PluginError) as error:
        plugins.executor_type("local")
    assert "redun-executor-local is installed, but REDUN_PLUGIN_AUTOLOAD=0 leaves out all plugins." in str(error.value)
    with pytest.raises(PluginError, match="Try: pip install redun-executor-glue"):
        plugins.executor_type("aws_glue")


def test_a_misspelt_type_gives_the_nearest_name_and_what_to_install_for_it():
    with pytest.raises(PluginError) as error:
        load().executor_type("aws_btch")
    assert str(error.value) == (
        "no installed plugin provides it; did you mean aws_batch? Try: pip install redun-executor-batch. "
        "Installed: alias, inline."
    )
    with pytest.raises(PluginError, match=r"; did you mean inline\? Installed"):
        load().executor_type("in_line")


def test_the_package_of_a_database_is_named():
    with pytest.raises(PluginError, match=r"Try: pip install redun-backend-sql. Installed: memory.$"):
        load().backend_for_scheme("postgresql")


@pytest.mark.parametrize("value", ["0", "false"])
def test_autoload_off_finds_no_installed_plugin(value):
    assert installed_entries({"REDUN_PLUGIN_AUTOLOAD": value}) == []
    assert installed_entries({}) != []


def test_the_plugins_of_the_process_can_be_replaced_for_a_test(module):
    before = get_plugins()
    with use_plugins(load(module(GOOD))) as plugins:
        assert get_plugins() is plugins
    assert get_plugins() is before


def test_what_a_plugin_provides_is_told_by_kind(module):
    plugins = load(module(GOOD))
    assert plugins.provided_by(only(plugins)) == {"executor type": ["good"]}


@pytest.mark.parametrize(
    ("reference", "part"),
    [
        ("no colon", "module:attribute"),
        ("a_module_that_is_not_there:x", "No module named"),
        ("redun.errors:Missing", "redun.errors has no Missing"),
    ],
)
def test_a_reference_that_leads_nowhere_says_so(reference, part):
    with pytest.raises(PluginError, match=part):
        resolve(reference)


def test_a_reference_is_resolved_to_what_it_names():
    assert resolve("redun.errors:PluginError.__name__") == "PluginError"
