"""The syntax of `redun.ini`, and `Config` as users' code sees it."""

from __future__ import annotations

import pickle
from configparser import ConfigParser, SectionProxy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun.config import Config, ConfigError, create_config_section
from redun.config.parser import RedunConfigParser
from redun.config.places import option_lines


def read(text: str) -> Config:
    config = Config()
    config.read_string(text, "redun.ini")
    return config


def test_dotted_sections_nest_and_leaves_are_section_proxies():
    config = read("[executors.default]\ntype = local\nmax_workers = 7\n[repos.a.b]\nx = yes\n[limits]\ndb = 2\n")
    assert list(config.keys()) == ["executors", "repos", "limits"]
    assert isinstance(config["executors"]["default"], SectionProxy)
    assert config["executors"]["default"].getint("max_workers") == 7
    assert config["repos"]["a"]["b"].getboolean("x") is True
    assert config.get("limits").get("db") == "2"
    assert config["limits"].get("absent") is None
    assert config["limits"].get("absent", "5") == "5"
    assert "executors" in config
    assert "nothing" not in config
    assert config.get("nothing") is None
    assert config.get("nothing", 1) == 1
    with pytest.raises(KeyError):
        config["nothing"]
    assert dict(config.items())["limits"] is config["limits"]


def test_option_names_are_case_sensitive():
    config = read("[a]\nFoo = 1\nfoo = 2\n")
    assert (config["a"]["Foo"], config["a"]["foo"]) == ("1", "2")


def test_a_heading_without_options_may_stand_above_its_sections():
    assert read("[executors]\n[executors.a]\ntype = x\n")["executors"]["a"]["type"] == "x"


@pytest.mark.parametrize("text", ["[a]\nx = 1\n[a.b]\ny = 2\n", "[a.b]\ny = 2\n[a]\nx = 1\n"])
def test_a_section_with_options_and_sections_below_it_is_refused_with_its_line(text):
    with pytest.raises(ConfigError, match=r"redun\.ini:3: \[a(\.b)?\]: a section cannot have options and sections"):
        read(text)


def test_references_are_replaced_from_the_section_the_default_another_section_and_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_VARIABLE", "env")
    monkeypatch.setenv("here", "not this one")
    config = read(
        "[DEFAULT]\nbase = d\n[a]\nhere = h\nx = ${here}-${base}-${b.c:there}-${SOME_VARIABLE}\n"
        "[b.c]\nthere = t${deeper}\ndeeper = !\n"
    )
    assert config["a"]["x"] == "h-d-t!-env"


def test_the_environment_is_read_but_is_not_part_of_the_configuration(monkeypatch):
    monkeypatch.setenv("SOME_VARIABLE", "env")
    assert "SOME_VARIABLE" not in read("[a]\nx = 1\n")["a"]


def test_two_dollars_are_one_and_percent_is_no_reference():
    assert dict(read("[a]\nx = $$HOME $${y}\ny = %(x)s\n")["a"]) == {"x": "$HOME ${y}", "y": "%(x)s"}


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("${nowhere_to_be_found}", "'${nowhere_to_be_found}' refers to neither an option nor an environment variable"),
        ("${b:missing}", "'${b:missing}' refers to neither"),
        ("${x}", "circle"),
        ("costs 5$", "write '$$' for a dollar"),
    ],
)
def test_a_wrong_reference_says_where_it_is(value, part):
    config = read(f"[a]\ny = 1\nx = {value}\n")
    with pytest.raises(ConfigError) as error:
        config["a"]["x"]
    assert str(error.value).startswith("redun.ini:3: [a] x: ")
    assert part in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]\nx = 1\nx = 2\n", "redun.ini:3: [a] x: the option is already set above"),
        ("[a]\n\n[a]\n", "redun.ini:3: [a]: there is already a section of this name above"),
        ("[backend\nx = 1\n", "redun.ini:1: '[backend': the closing ] is missing"),
        ("x = 1\n", "redun.ini:1: 'x = 1' comes before the first [section]"),
        ("[a]\nnonsense\n", "redun.ini:2: expected 'option = value', found 'nonsense'"),
        (
            "[a]\nx = 1\none\ntwo\n",
            "redun.ini:3: expected 'option = value', found 'one'\nredun.ini:4: expected 'option = value', found 'two'",
        ),
    ],
)
def test_a_syntax_error_names_file_and_line(text, message):
    with pytest.raises(ConfigError) as error:
        read(text)
    assert str(error.value) == message


def test_a_configuration_can_be_given_as_a_dictionary():
    config = Config({"executors.default": {"type": "local", "max_workers": 3}})
    assert config["executors"]["default"]["max_workers"] == "3"
    with pytest.raises(ConfigError, match="options by section name"):
        Config({"executors": "local"})


def test_an_option_that_the_program_sets_is_no_longer_the_one_in_the_file():
    config = read("[a]\nx = $\n")
    config.read_dict({"a": {"x": "5$"}})
    with pytest.raises(ConfigError, match=r"^redun\.ini:1: \[a\] x: a single"):
        config["a"]["x"]


def test_get_config_dict_is_flat_and_interpolated_and_can_replace_the_directory(tmp_path):
    config = Config({"a.b": {"x": f"{tmp_path}/file", "y": "${x}.gz"}}, configdir=tmp_path)
    assert config.configdir == str(tmp_path)
    assert config.get_config_dict() == {"a.b": {"x": f"{tmp_path}/file", "y": f"{tmp_path}/file.gz"}}
    assert config.get_config_dict(replace_config_dir=".") == {"a.b": {"x": "./file", "y": "./file.gz"}}


def test_the_raw_dictionary_holds_no_value_of_the_environment(monkeypatch):
    monkeypatch.setenv("MY_PASSWORD", "hunter2")
    config = read("[DEFAULT]\nd = 1\n[a]\nx = ${MY_PASSWORD}\n")
    raw = config.get_raw_config_dict()
    assert raw == {"DEFAULT": {"d": "1"}, "a": {"x": "${MY_PASSWORD}"}}
    assert b"hunter2" not in pickle.dumps(raw)
    assert Config(raw).get_config_dict() == config.get_config_dict() == {"a": {"x": "hunter2", "d": "1"}}


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=str(tmp_path / "missing.ini")):
        Config().read_path(tmp_path / "missing.ini")


def test_a_section_can_be_made_on_its_own():
    assert create_config_section({"max_workers": 4}).getint("max_workers") == 4


NAMES = st.text("abcXYZ_-.", min_size=1, max_size=6).filter(lambda name: name == name.strip())
VALUES = st.text("ab$ =:#;[]\n", max_size=12).map(str.strip)


@st.composite
def ini_texts(draw):
    lines = []
    for section in draw(st.lists(NAMES, unique=True, max_size=4)):
        lines.append(f"[{section}]")
        for option in draw(st.lists(NAMES, unique=True, max_size=4)):
            lines += draw(st.sampled_from([[], [""], ["# note"], ["  ; note = 1"]]))
            # A line of a value that looks like nothing special is written with a deeper indent.
            first, *more = draw(VALUES).split("\n")
            lines.append(option + draw(st.sampled_from([" = ", "=", ": ", " : "])) + first)
            lines += [f"   {line.strip()}" for line in more]
    return "\n".join(lines) + "\n"


@given(ini_texts())
def test_the_line_of_every_option_is_known_and_of_nothing_else(text):
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    places = option_lines(text, "f")
    expected = {(section, option) for section in parser.sections() for option in parser.options(section)}
    assert {key for key in places if key[1]} == expected
    assert {section for section, option in places if not option} == set(parser.sections())
    lines = text.split("\n")
    assert all(lines[place.line - 1].strip().startswith(option) for (_, option), place in places.items() if option)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, st.text("ab =#", max_size=6).map(str.strip)), max_size=3))
def test_a_configuration_made_of_its_own_dictionary_is_the_same(values):
    parser = RedunConfigParser()
    parser.read_dict(values)
    nested = any(f"{other}.".startswith(f"{name}.") for name in values for other in values if other != name)
    if nested:
        return
    config = Config(values)
    assert config.get_config_dict() == values
    assert Config(config.get_raw_config_dict()).get_config_dict() == values
