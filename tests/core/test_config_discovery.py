"""Which configuration directory is in effect."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from redun.config import Config, ConfigError, create_config_dir, executor_names, find_config_dir, load_config


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """A working directory below which, and above which, there is no configuration."""
    monkeypatch.delenv("REDUN_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_option_wins_over_the_environment_which_wins_over_the_search(workplace, monkeypatch):
    (workplace / ".redun").mkdir()
    assert find_config_dir() == str(workplace / ".redun")
    monkeypatch.setenv("REDUN_CONFIG", "from/environment")
    assert find_config_dir() == str(workplace / "from/environment")
    assert find_config_dir("from/option") == str(workplace / "from/option")


def test_the_search_goes_up_to_the_nearest_directory(workplace):
    (workplace / ".redun").mkdir()
    (workplace / "a/.redun").mkdir(parents=True)
    (workplace / "a/b/c").mkdir(parents=True)
    assert find_config_dir(cwd=workplace / "a/b/c") == str(workplace / "a/.redun")
    assert find_config_dir(cwd=workplace) == str(workplace / ".redun")


def test_a_file_of_that_name_is_no_configuration_directory(workplace):
    (workplace / "a").mkdir()
    (workplace / "a/.redun").write_text("")
    (workplace / ".redun").mkdir()
    assert find_config_dir(cwd=workplace / "a") == str(workplace / ".redun")


def test_nothing_found_means_one_in_the_working_directory_which_loading_makes(workplace):
    assert find_config_dir() == str(workplace / ".redun")
    assert not (workplace / ".redun").exists()
    config = load_config()
    assert config.configdir == str(workplace / ".redun")
    assert (workplace / ".redun/redun.ini").is_file()
    assert list(config.keys()) == [], "the new file holds only comments"


def test_an_explicit_directory_without_a_file_is_filled(workplace):
    (workplace / "conf").mkdir()
    assert load_config("conf").configdir == str(workplace / "conf")
    assert (workplace / "conf/redun.ini").is_file()


def test_an_existing_file_is_left_as_it_is(workplace):
    (workplace / ".redun").mkdir()
    (workplace / ".redun/redun.ini").write_text("[limits]\ndb = 3\n")
    assert create_config_dir(workplace / ".redun") == workplace / ".redun"
    assert load_config()["limits"]["db"] == "3"


def test_a_home_directory_is_expanded_and_a_url_is_kept():
    assert find_config_dir("~/conf") == os.path.expanduser("~/conf")
    assert find_config_dir("s3://bucket/conf") == "s3://bucket/conf"


def test_a_file_given_as_the_directory_is_refused(workplace):
    (workplace / "redun.ini").write_text("")
    with pytest.raises(ConfigError, match=r"redun\.ini is a file, but a configuration directory is needed"):
        load_config("redun.ini")


def test_a_directory_that_cannot_be_made_is_named(workplace):
    (workplace / "file").write_text("")
    with pytest.raises(ConfigError, match="file/conf cannot be made"):
        load_config("file/conf")


def test_an_empty_option_is_refused():
    with pytest.raises(ConfigError, match="--config"):
        find_config_dir("")


def test_federated_configurations_add_their_executors_and_tasks_with_their_references_replaced(workplace):
    other = workplace / "other"
    other.mkdir()
    (other / "redun.ini").write_text(
        "[mine]\nwho = them\n[limits]\ndb = 1\n[executors.theirs]\ntype = alias\ntarget = ${mine:who}$$\n"
        "[federated_tasks.job]\nnamespace = n\n"
    )
    (workplace / ".redun").mkdir()
    (workplace / ".redun/redun.ini").write_text("[scheduler]\nfederated_configs =\n    ../other\n")
    config = load_config()
    assert dict(config["executors"]["theirs"]) == {"type": "alias", "target": "them$"}
    assert config["federated_tasks"]["job"]["namespace"] == "n"
    assert "limits" not in config
    assert str(config.parser.place("executors.theirs", "target")) == f"{workplace}/.redun/../other/redun.ini:7"


def test_a_federated_section_that_exists_already_is_refused(workplace):
    other = workplace / "other"
    other.mkdir()
    (other / "redun.ini").write_text("[executors.a]\ntype = inline\n")
    (workplace / ".redun").mkdir()
    (workplace / ".redun/redun.ini").write_text(
        f"[executors.a]\ntype = inline\n[scheduler]\nfederated_configs = {other}\n"
    )
    with pytest.raises(ConfigError, match=r"redun\.ini:4: .*\[executors\.a\] of .* is already a section"):
        load_config()


def test_a_section_that_looks_misspelt_is_warned_about_and_any_other_is_the_users_own(workplace, caplog):
    (workplace / ".redun").mkdir()
    ini = workplace / ".redun/redun.ini"
    ini.write_text("[executor.batch]\ntype = inline\n[limit]\ndb = 1\n[acme]\nx = 1\n[other.deep]\nx = 1\n[limits]\n")
    config = load_config()
    assert caplog.messages == [], "commands that put nothing of it to use say nothing"
    executor_names(config)
    executor_names(config)
    assert caplog.messages == [
        f"{ini}:1: [executor.batch]: there is no such section, it is ignored; did you mean [executors.batch]?",
        f"{ini}:3: [limit]: there is no such section, it is ignored; did you mean [limits]?",
    ]


def test_a_configuration_without_a_directory_belongs_to_the_working_directory(workplace):
    assert Config().configdir == str(workplace)


def test_a_remote_configuration_is_only_read_and_relative_paths_stay_local(workplace):
    import fsspec

    with fsspec.open("memory://conf/redun.ini", "w") as file:
        file.write("[limits]\ndb = 7\n")
    config = load_config("memory://conf/")
    assert config["limits"]["db"] == "7"
    assert config.configdir == str(workplace)
    assert not (workplace / ".redun").exists()
    with pytest.raises(ConfigError, match=r"memory://elsewhere/redun\.ini cannot be read"):
        load_config("memory://elsewhere")


@pytest.mark.parametrize(
    "command",
    [find_config_dir, lambda folder: find_config_dir(cwd=folder.parent / "below"), load_config],
    ids=["given", "found", "loaded"],
)
def test_a_directory_that_cannot_be_read_is_said_to_be_just_that(command):
    with tempfile.TemporaryDirectory() as name:
        folder = create_config_dir(Path(name) / ".redun")
        Path(name).chmod(0o755)
        folder.chmod(0)
        user = os.geteuid()
        # The root user may look everywhere, so that another one has to try.
        os.seteuid(65534 if user == 0 else user)
        try:
            with pytest.raises(ConfigError, match=r"/\.redun cannot be read: this user may not look into it$"):
                command(folder)
        finally:
            os.seteuid(user)
            folder.chmod(0o755)
