"""Limits, tags and the settings of the scheduler, as they are configured, and what is said when they are wrong."""

from __future__ import annotations

import pytest
from config_texts import problem_of, read
from redun.config import Config, limits, scheduler_settings
from redun.config.build import configured_tags
from redun.config.check import find_problems


def test_limits_are_whole_numbers_from_zero():
    assert limits(Config()) == {}
    assert limits(read("[DEFAULT]\nx = text\n[limits]\ndb = 10\nweb_api = 0\n")) == {"db": 10, "web_api": 0}
    assert problem_of(limits, read("[limits]\ndb = -1\nweb = 1.5\n")) == [
        'redun.ini:2: [limits] db = "-1": Input should be greater than or equal to 0',
        'redun.ini:3: [limits] web = "1.5": Input should be a valid integer, unable to parse string as an integer',
    ]


def test_tags_are_texts_by_name():
    assert configured_tags(read("[tags]\nproject = acme\nn = 5\n")) == {"project": "acme", "n": "5"}


def test_scheduler_settings_have_the_documented_defaults():
    settings = scheduler_settings(Config())
    assert (settings.ignore_warnings, settings.setup_scheduler, settings.job_status_interval, settings.context) == (
        frozenset(),
        None,
        20,
        {},
    )


def test_scheduler_settings_are_parsed():
    settings = scheduler_settings(
        read("""
        [scheduler]
        ignore_warnings = namespace
        setup_scheduler = ../workflow.py::setup_scheduler
        job_status_interval = 5
        context = {"a": {"b": 1}}
        boto_config = {"retries": 3}
    """)
    )
    assert settings.ignore_warnings == {"namespace"}
    assert settings.setup_scheduler == "../workflow.py::setup_scheduler"
    assert settings.job_status_interval == 5
    assert settings.context == {"a": {"b": 1}}
    assert settings.boto_config == {"retries": 3}


def test_the_context_can_come_from_a_file_beside_the_configuration(tmp_path):
    (tmp_path / "context.json").write_text('{"a": 1}')
    assert scheduler_settings(read("[scheduler]\ncontext_file = context.json\n", tmp_path)).context == {"a": 1}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("context = {}\ncontext_file = c.json", "context and context_file cannot both be set"),
        ("context = [1]", "Input should be a valid dictionary"),
        ("context_file = missing.json", "missing.json cannot be read: No such file"),
        ("context_file = list.json", "holds list, but a JSON object is needed"),
        ("context_file = broken.json", "broken.json is not valid JSON"),
        ("setup_scheduler = workflow.py", "write it as file_or_module::function"),
        ("job_status_intervall = 1", "did you mean job_status_interval?"),
        (
            "ignore_warnings = namespace namespce",
            "namespce is no kind of warning; did you mean namespace? Known: names",
        ),
    ],
)
def test_a_wrong_scheduler_option_is_reported_with_its_section(tmp_path, text, part):
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    config = read(f"[scheduler]\n{text}\n", tmp_path)
    (message,) = problem_of(scheduler_settings, config)
    assert message.startswith("redun.ini:")
    assert "[scheduler]" in message
    assert part in message
    assert [one.message for one in find_problems(config) if one.is_error] == [message]
