"""`redun config check` finds at once what a run would stumble over one by one."""

from __future__ import annotations

import logging

import pytest
from config_texts import read
from redun.config import Config, ConfigError, make_executor
from redun.config.check import find_problems
from redun.plugins import get_plugins, manager


def errors(config: Config) -> list[str]:
    return [one.message for one in find_problems(config) if one.is_error]


def warnings(config: Config) -> list[str]:
    return [one.message for one in find_problems(config) if not one.is_error]


ALIASES = """
    [executors.a]
    type = alias
    target = b
    [executors.b]
    type = alias
    target = a
    [executors.c]
    type = alias
    target = procss
    [executors.before]
    type = alias
    target = a
    [executors.fine]
    type = alias
    target = process
    [executors.also_fine]
    type = alias
    target = inline
"""


@pytest.mark.standard
def test_aliases_that_lead_nowhere_or_in_a_circle_are_errors():
    assert errors(read(ALIASES)) == [
        "redun.ini:3: [executors.a] target: executors are aliases of each other: a -> b -> a",
        "redun.ini:6: [executors.b] target: executors are aliases of each other: b -> a -> b",
        'redun.ini:9: [executors.c] target = "procss": there is no such executor; did you mean process? '
        "Known: default, process, a, b, c, before, fine, also_fine",
        "redun.ini:12: [executors.before] target: executors are aliases of each other: before -> a -> b -> a",
    ]


def test_an_alias_in_a_circle_cannot_be_selected():
    with pytest.raises(ConfigError, match=r"^redun.ini:3: \[executors.a\] target: .* a -> b -> a$"):
        make_executor(read(ALIASES), "a")
    assert make_executor(read(ALIASES), "fine").target == "process"


@pytest.mark.standard
def test_an_alias_of_what_a_users_function_may_add_is_only_a_warning(tmp_path):
    (tmp_path / "setup.py").touch()
    text = "[scheduler]\nsetup_scheduler = setup.py::f\n[executors.a]\ntype = alias\ntarget = gpu\n"
    config = read(text, tmp_path)
    assert errors(config) == []
    assert warnings(config) == [
        'redun.ini:5: [executors.a] target = "gpu": there is no such executor. '
        "Known: default, process, a, and what setup_scheduler adds"
    ]


@pytest.mark.parametrize(
    ("reference", "part"),
    [
        ("missing.py::f", "there is no file {folder}/missing.py. The path is relative to redun.ini"),
        ("no_such_module::f", "there is no module no_such_module, and it is not the path of a .py file"),
        ("no_such_package.x::f", "there is no module no_such_package.x"),
        ("there::f", "there is no module there, and it is not the path of a .py file; did you mean there.py?"),
        ("there.py", "write it as file_or_module::function"),
        ("there.py::f", None),
        ("json::loads", None),
        ("json.decoder::loads", None),
        ("", None),
    ],
)
def test_a_setup_function_whose_place_does_not_exist_is_an_error(tmp_path, reference, part):
    (tmp_path / "there.py").write_text("raise RuntimeError('imported')")
    found = errors(read(f"[scheduler]\nsetup_scheduler = {reference}\n", tmp_path))
    if part is None:
        assert found == []
    else:
        (message,) = found
        assert message.startswith("redun.ini:2: [scheduler] setup_scheduler = ")
        assert part.format(folder=tmp_path) in message


@pytest.mark.standard
def test_options_that_the_database_backend_refuses_are_found_without_opening_it(tmp_path):
    text = """
        [backend]
        db_uri = {uri}
        value_store_min_size = -1
        automigrate = perhaps
    """
    rest = [
        'redun.ini:3: [backend] value_store_min_size = "-1": Input should be greater than or equal to 0',
        'redun.ini:4: [backend] automigrate = "perhaps": Input should be a valid boolean, unable to interpret input',
    ]
    for uri, problem in [
        (
            "postgresql://me@h/db",
            'db_uri = "postgresql://***@h/db": it holds a user name or a password, and',
        ),
        ("foo", 'db_uri = "foo": it has no scheme. Write sqlite:///<file> for a file in the configuration directory.'),
        ("redun.db", 'db_uri = "redun.db": it has no scheme. Write sqlite:///<file> for a file in the configuration '),
        ("sqlite:foo.db", 'db_uri = "sqlite:foo.db": write sqlite:///<file> for a file relative to'),
        ("sqlit:///foo.db", "db_uri = sqlit://...: no installed plugin provides it; did you mean sqlite? Installed: "),
    ]:
        config = read(text.format(uri=uri), tmp_path)
        found = errors(config)
        assert f"redun.ini:2: [backend] {problem}" in found[0]
        assert sorted(found[1:]) == rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.standard
@pytest.mark.parametrize("option", ["db_aws_secret_name = s", "db_uri = postgresql://h/db", "db_uri = postgres://h/db"])
def test_a_database_server_is_a_repository_too(option):
    assert errors(read(f"[backend]\n{option}\n")) == []


@pytest.mark.standard
def test_types_that_are_missing_misspelt_or_not_installed_are_errors():
    config = read("""
        [executors.a]
        max_workers = 3
        [executors.b]
        type = locl
        [executors.c]
        type = aws_batch
    """)
    installed = f"Installed: {', '.join(sorted(get_plugins().executor_types()))}."  # here there may be more than needed
    assert errors(config) == [
        f"redun.ini:1: [executors.a]: the option 'type' is missing. {installed}",
        'redun.ini:4: [executors.b] type = "locl": no installed plugin provides it; did you mean local? ' + installed,
        'redun.ini:6: [executors.c] type = "aws_batch": no installed plugin provides it. '
        f"Try: pip install redun-executor-batch. {installed}",
    ]


def test_an_executor_that_cannot_be_made_is_one_message_without_what_led_to_it():
    config = read("[executors.b]\ntype = aws_batch\n")
    with pytest.raises(ConfigError) as error:
        make_executor(config, "b")
    assert [str(error.value)] == errors(config)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


def test_what_is_wrong_is_listed_once_and_not_logged_as_well(monkeypatch, caplog):
    monkeypatch.setenv("REDUN_DISABLE_PLUGINS", "nobody")
    monkeypatch.setattr(manager, "_process_plugins", None)
    with caplog.at_level(logging.WARNING, logger="redun"):
        found = warnings(read("[limit]\nx = 1\n"))
    assert caplog.messages == []
    assert len(found) == 2
    assert found[0].startswith("REDUN_DISABLE_PLUGINS: no plugin to leave out is called nobody. There are: ")
    assert found[1] == "redun.ini:1: [limit]: there is no such section, it is ignored; did you mean [limits]?"
