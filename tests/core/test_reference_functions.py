"""What tests, notebooks and tools of users' own ask of the scheduler, the configuration and the command line."""

from __future__ import annotations

import importlib
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redun import Scheduler, get_context, task
from redun.backends.base import Backend, RedunBackend, TagEntity
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind
from redun.config import Config, ConfigError, create_config_section
from redun.errors import UsageError
from redun.scheduler import (
    format_job_statuses,
    format_task_call,
    get_arg_defaults,
    get_backend_from_config,
    get_limits_from_config,
    needs_root_task,
    set_arg_defaults,
)
from redun.scheduler_config import get_abs_config_dir, get_abs_db_uri, get_abs_url, postprocess_config
from redun.tags import ANY_VALUE, parse_tag_key_value
from redun.value import get_type_registry

redun_namespace = "test_functions"


@task
def measure(text: str) -> int:
    return len(text)


@task
def add(a: Any, b: Any = 2, *rest: Any, c: Any = get_context("x", 3), **more: Any) -> Any:
    return a


def test_defaults_are_those_of_the_parameters_that_a_call_leaves_out() -> None:
    assert get_arg_defaults(add, (1, 5), {"c": 6}) == {}
    assert set(get_arg_defaults(add, (), {"a": 1})) == {"b", "c"}
    assert set_arg_defaults(add, (1,), {"c": 4, "d": 5}) == ((1,), {"b": 2, "c": 4, "d": 5})


def test_a_call_is_shown_as_python_would_write_it() -> None:
    assert format_task_call(add, (1, [2], "x"), {"c": "y", "d": 4}) == "test_functions.add(a=1, b=[2], 'x', c='y', d=4)"
    shown = format_task_call(add, ("x" * 1000,), {"c": 0})
    assert shown.startswith("test_functions.add(a='xxx")
    assert len(shown) < 120
    with pytest.raises(TypeError, match="'a'"):
        format_task_call(add, (), {})


def test_a_plain_call_is_the_root_of_its_run_and_anything_else_gets_one(scheduler: Scheduler) -> None:
    for expr, wants_root in [(measure("a"), False), ([measure("a")], True), (1, True)]:
        assert needs_root_task(scheduler.task_registry, expr) is wants_root
        scheduler.run(expr)
        assert ("redun.root_task" in scheduler.job_counts()) is wants_root


def test_the_table_of_jobs_is_given_and_logged(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler.logger, "propagate", True)
    assert scheduler.get_job_status_report()[3].split()[1:] == ["ALL", "0", "0", "0", "0", "0", "0"]
    scheduler.run([measure("a"), measure("bc")])
    heading, columns, _, _, _, last, end = scheduler.get_job_status_report()
    assert heading.startswith("| JOB STATUS 20")
    assert columns.split()[1:] == ["TASK", "PENDING", "RUNNING", "FAILED", "CACHED", "DONE", "TOTAL"]
    assert last.split()[1:] == ["test_functions.measure", "0", "0", "0", "0", "2", "2"]
    assert end == ""
    with caplog.at_level(logging.INFO, "redun"):
        scheduler.log_job_statuses()
    assert "test_functions.measure" in caplog.messages[-1]


def test_counts_by_name_have_the_same_table() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    lines = list(format_job_statuses({"n.f": {"PENDING": 1, "DONE": 2, "TOTAL": 3}}, moment))
    assert lines[0] == "| JOB STATUS 2026/01/02 03:04:05"
    assert lines[-2].split() == ["|", "n.f", "1", "0", "0", "0", "2", "3"]


@task
def thread_of_the_scheduler() -> bool:
    import threading

    from redun import get_current_scheduler

    return get_current_scheduler().thread_id == threading.get_ident()


def test_a_scheduler_knows_its_thread_and_its_types(scheduler: Scheduler) -> None:
    assert scheduler.thread_id is None
    assert scheduler.run(thread_of_the_scheduler()) is True
    assert scheduler.type_registry is get_type_registry()


def test_sections_alone_describe_limits_and_a_backend() -> None:
    assert get_limits_from_config() == {}
    assert get_limits_from_config({"db": 2}) == get_limits_from_config(create_config_section({"db": "2"})) == {"db": 2}
    with pytest.raises(ConfigError, match="db"):
        get_limits_from_config({"db": "many"})
    assert isinstance(get_backend_from_config(), MemoryBackend)
    assert isinstance(get_backend_from_config({"db_uri": "memory://"}), MemoryBackend)
    with pytest.raises(ConfigError, match=r"nosuch://.*no installed plugin"):
        get_backend_from_config({"db_uri": "nosuch://$host"})


# -- tags and backends ------------------------------------------------------------------------------------------------


def test_a_key_alone_asks_for_any_value() -> None:
    assert parse_tag_key_value("user", value_required=False) == ("user", ANY_VALUE)
    assert parse_tag_key_value("user=", value_required=False) == ("user", None)
    for text, required in [("user", True), ("", False)]:
        with pytest.raises(ValueError, match="key=value"):
            parse_tag_key_value(text, value_required=required)


def test_tags_of_an_execution_are_found_under_the_known_names(backend: MemoryBackend, scheduler: Scheduler) -> None:
    scheduler.run(measure("a"), tags=[("user", "ann")])
    found = backend.tags(TagEntity.Execution, [scheduler.execution_id])  # type: ignore[arg-type]
    assert [tag.value for tag in found[scheduler.execution_id]] == ["ann"]
    assert {int(one) for one in TagEntity} == {int(one) for one in EntityKind}
    assert RedunBackend is Backend


# -- places -----------------------------------------------------------------------------------------------------------


def test_places_are_made_absolute() -> None:
    assert get_abs_config_dir(".redun") == str(Path.cwd() / ".redun")
    assert get_abs_config_dir(".redun", "/home/ann") == "/home/ann/.redun"
    assert get_abs_config_dir("s3://bucket/.redun") == "s3://bucket/.redun"
    assert get_abs_url("../b", "/a/c") == "/a/b"
    assert get_abs_url("../b", "s3://bucket/a") == "s3://bucket/b"
    assert get_abs_url("/b", "/a") == "/b"


@pytest.mark.parametrize(
    ("db_uri", "absolute"),
    [
        ("sqlite:///redun.db", "sqlite:////p/.redun/redun.db"),
        ("sqlite:////abs/redun.db", "sqlite:////abs/redun.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://host/db", "postgresql://host/db"),
    ],
)
def test_a_database_file_is_relative_to_the_configuration(db_uri: str, absolute: str) -> None:
    assert get_abs_db_uri(db_uri, "/p/.redun") == get_abs_db_uri(db_uri, ".redun", "/p") == absolute


def test_a_configuration_is_told_where_it_is() -> None:
    config = Config({"backend": {"db_uri": "sqlite:///x$$.db"}, "limits": {"db": "1"}})
    assert postprocess_config(config, "/p/.redun") is config
    assert config["backend"]["db_uri"] == "sqlite:////p/.redun/x$.db"
    assert config["repos"]["default"]["config_dir"] == config.configdir == "/p/.redun"
    assert postprocess_config(Config(), "/p")["backend"]["db_uri"] == "sqlite:////p/redun.db"


# -- the command line -------------------------------------------------------------------------------------------------

SETUP = """
from redun import Scheduler

def setup_scheduler(config, workers: int = 1):
    scheduler = Scheduler(config=config)
    scheduler.workers = workers
    return scheduler
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delenv("REDUN_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".redun"
    folder.mkdir()
    name = f"setup_{tmp_path.name}"
    (folder / f"{name}.py").write_text(SETUP)
    ini = f"[backend]\ndb_uri = memory://\n[scheduler]\nsetup_scheduler = {name}.py::setup_scheduler\n"
    (folder / "redun.ini").write_text(ini)
    return tmp_path


def test_a_scheduler_is_set_up_as_for_redun_run(project: Path) -> None:
    from redun.cli import setup_backend_db, setup_config, setup_scheduler

    scheduler: Any = setup_scheduler(".redun", ["workers=4"])
    assert scheduler.workers == 4
    assert scheduler.run(measure("abc")) == 3
    assert isinstance(setup_backend_db(), MemoryBackend)
    assert setup_config(db_uri="sqlite:///other.db")["backend"]["db_uri"] == "sqlite:///other.db"
    with pytest.raises(UsageError, match="--setup"):
        setup_scheduler(".redun", ["worker=4"])


def test_a_configuration_is_made_only_where_that_is_wanted(tmp_path: Path) -> None:
    from redun.cli import setup_config

    with pytest.raises(UsageError, match="no repository"):
        setup_config(str(tmp_path / "none"), initialize=False)
    setup_config(str(tmp_path / "new"))
    assert (tmp_path / "new/redun.ini").is_file()


def test_the_configuration_directory_is_looked_for_upwards(project: Path) -> None:
    from redun.cli import find_config_dir, get_config_dir

    below = project / "a/b"
    below.mkdir(parents=True)
    assert find_config_dir(str(below)) == find_config_dir() == get_config_dir() == str(project / ".redun")
    assert get_config_dir("other") == str(project / "other")
    assert find_config_dir("/") is None


def test_a_script_is_imported_and_the_path_stays_if_that_is_wanted(project: Path) -> None:
    from redun.cli import import_script

    name = f"script_{project.name}"
    (project / "sub").mkdir()
    (project / f"sub/{name}.py").write_text("x = 1")
    assert import_script(f"sub/{name}.py", add_cwd=False).x == 1
    assert str(project / "sub") not in sys.path
    import_script(f"sub/{name}.py")
    assert sys.path[0] == str(project / "sub")
    with pytest.raises(UsageError, match="does not exist"):
        import_script("none.py")


def test_versions_are_compared_also_after_redun_has_done_so() -> None:
    from redun import cli

    importlib.import_module("redun.cli.version_condition")
    assert [cli.check_version("1.2.0", spec) for spec in (">=1.2,<2", ">=1.3", "==1.2")] == [True, False, True]
    with pytest.raises(UsageError, match="should look like"):
        cli.check_version("1.2.0", "about 1")


def test_who_runs_what_is_tagged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from redun.cli import arg_name2cli_name, get_default_execution_tags, get_username
    from redun.version import __version__

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDUN_USER", "ann")
    assert get_username() == "ann"
    tags = dict(get_default_execution_tags(project="p", doc="d"))
    assert {key: tags[key] for key in ("redun.version", "user", "project", "doc")} == {
        "redun.version": __version__,
        "user": "ann",
        "project": "p",
        "doc": "d",
    }
    assert "user" not in dict(get_default_execution_tags(exclude_users=["ann"]))
    assert arg_name2cli_name("Max_Size") == "--max-size"
