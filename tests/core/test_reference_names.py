"""Names that workflows, tests and notebooks import beside the language itself, and what they do."""

from __future__ import annotations

import importlib
import io
import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun import Scheduler, get_context, task, utils
from redun.backends.base import Backend, RedunBackend, TagEntity
from redun.backends.memory import MemoryBackend
from redun.backends.records import EntityKind
from redun.bcoding import bdecode, bencode
from redun.config import Config, ConfigError, create_config_section
from redun.errors import UsageError
from redun.hashing import Hash, hash_bytes, hash_stream, hash_struct, hash_tag_bytes, hash_text
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
from redun.value import Value, get_type_registry

redun_namespace = "test_names"

NAMES = {
    "redun": "AWSBatchExecutor AWSGlueExecutor AliasExecutor DockerExecutor GCPBatchExecutor K8SExecutor LocalExecutor "
    "register_executor",
    "redun.hashing": "Hash hash_bytes hash_stream hash_struct hash_tag_bytes hash_text",
    "redun.bcoding": "bdecode bencode",
    "redun.utils": "MultiMap add_import_path clear_import_paths format_table format_timedelta format_timestamp "
    "get_func_source get_import_paths iter_nested_value json_dumps map_nested_value merge_dicts pickle_dump "
    "pickle_dumps pickle_loads str2bool trim_string utcnow",
    "redun.scheduler": "format_job_statuses format_task_call get_arg_defaults get_backend_from_config "
    "get_limits_from_config needs_root_task set_arg_defaults",
    "redun.cli": "arg_name2cli_name check_version find_config_dir get_config_dir get_default_execution_tags "
    "get_username import_script setup_backend_db setup_config setup_scheduler",
    "redun.scheduler_config": "DEFAULT_DB_URI DEFAULT_REPO_NAME REDUN_CONFIG_DIR REDUN_CONFIG_ENV REDUN_INI_FILE "
    "REDUN_USER_ENV get_abs_config_dir get_abs_db_uri get_abs_url postprocess_config",
    "redun.backends.base": "RedunBackend TagEntity",
    "redun.tags": "ANY_VALUE DOC_KEY PROJECT_KEY USER_KEY VERSION_KEY",
    "redun.executors.alias": "AliasExecutor",
    "redun.executors.base": "Executor ExecutorError get_executor_class get_executor_from_config "
    "get_executors_from_config load_task_module register_executor",
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names.split()]
)
def test_a_name_is_where_workflows_import_it_from(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


@pytest.mark.parametrize("module", [*NAMES, "redun.executors.local", "redun.executors.docker"])
def test_a_name_that_is_not_there_is_an_attribute_error(module: str) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        importlib.import_module(module).no_such_name  # noqa: B018


def python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_a_run_imports_none_of_the_modules_that_only_workflows_import(tmp_path: Path) -> None:
    modules = [
        *("redun.bcoding", "redun.logging", "redun.scheduler_config", "redun.utils", "redun.cli.from_python"),
        *("redun.backends.tag_entity", "redun.executors.by_type", "redun.executors.from_config"),
        *("redun.executors.local", "redun.executors.registering", "redun.scheduler.from_sections"),
        *("redun.scheduler.task_calls",),
    ]
    code = f"""
import sys
import redun
assert not [name for name in sys.modules if name.startswith("redun.") and name != "redun.version"]
from redun import Scheduler, task
@task(namespace="n")
def one():
    return 1
assert Scheduler().run(one()) == 1
print([name for name in {modules} if name in sys.modules])
"""
    done = python(code, tmp_path)
    assert (done.stdout, done.stderr) == ("[]\n", "")


# -- hashing ----------------------------------------------------------------------------------------------------------

texts = st.text() | st.binary() | st.integers()
structs = st.recursive(texts, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(structs)
def test_bencode_is_read_back(value: Any) -> None:
    assert bencode(bdecode(bencode(value))) == bencode(value)


@given(structs, structs)
def test_other_content_has_another_bencoding_and_hash(first: Any, second: Any) -> None:
    assert (bencode(first) == bencode(second)) is (hash_struct(first) == hash_struct(second))


def test_bencode_has_the_published_form() -> None:
    assert bencode({"b": [1, -2, "é"], "a": b"\xff"}) == b"d1:a1:\xff1:bli1ei-2e2:\xc3\xa9ee"
    assert bdecode(b"d1:a1:\xff1:bli1ei-2e2:\xc3\xa9ee") == {"a": b"\xff", "b": [1, -2, "é"]}


@pytest.mark.parametrize("value", [True, None, 1.5, {1: 2}, [{"a": {1}}]])
def test_what_has_no_bencoding_is_refused_by_name(value: Any) -> None:
    with pytest.raises(TypeError, match="no bencoding"):
        bencode(value)
    with pytest.raises(TypeError, match="no bencoding"):
        hash_struct(value)


@pytest.mark.parametrize("data", [b"", b"e", b"i1", b"li1e", b"5:ab", b"d1:ae", b"di1e1:ae", b"i1ei2e", b"x"])
def test_what_is_no_bencoding_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="bencoding"):
        bdecode(data)


def test_the_hashes_that_users_make_have_40_hex_digits_and_never_change() -> None:
    assert hash_text("a") == "0a33b97382d1eaa447ef3234417720c731af5ba2"
    assert hash_struct(["a"]) == "f1dd30a0b48bfa6fbad38a350f9de728a04bc9d9"
    assert hash_tag_bytes("t", b"a") == "0f73cb39a9bdd666370e71d8d402ff6a639a9fb6"


@given(st.binary(), st.integers(1, 9))
def test_the_same_bytes_have_the_same_hash_however_they_come(data: bytes, size: int) -> None:
    pieces = Hash()
    for start in range(0, len(data), size):
        pieces.update(data[start : start + size])
    assert (
        hash_bytes(data) == hash_stream(io.BytesIO(data), size) == hash_stream(io.BytesIO(data)) == pieces.hexdigest()
    )


def test_a_tag_tells_the_same_bytes_apart() -> None:
    assert len({hash_tag_bytes("a", b"bc"), hash_tag_bytes("ab", b"c"), hash_bytes(b"abc")}) == 3
    assert Hash(length=8).hexdigest() == Hash().hexdigest()[:8]


class Version(Value):
    """A value with a hash of the user's."""

    type_name = "test_names.Version"

    def __init__(self, text: str, note: str = "") -> None:
        self.text, self.note = text, note

    def get_hash(self, data: bytes | None = None) -> str:
        return hash_struct(["Version", self.text])

    def __getstate__(self) -> dict[str, str]:
        return {"text": self.text, "note": self.note}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__dict__.update(state)


measured: list[str] = []


@task
def measure(version: Version) -> int:
    measured.append(version.note)
    return len(version.text)


def test_a_value_may_be_known_by_such_a_hash(scheduler: Scheduler) -> None:
    measured.clear()
    assert [scheduler.run(measure(Version("1.0", note))) for note in ("first", "second")] == [3, 3]
    assert measured == ["first"]


# -- helpers ----------------------------------------------------------------------------------------------------------


def test_nested_values_are_walked_and_rebuilt() -> None:
    nested = {"a": [1, (2, {3})]}
    assert sorted(map(str, utils.iter_nested_value(nested))) == ["1", "2", "3", "a"]
    assert utils.map_nested_value(str, nested) == {"a": ["1", ("2", {"3"})]}


def test_dicts_are_merged_deeply_and_stay_as_they_are() -> None:
    dicts = [{"a": {"x": 1, "z": 0}}, {"a": {"y": 2, "z": 3}}, {"b": 1}]
    assert utils.merge_dicts(dicts) == {"a": {"x": 1, "y": 2, "z": 3}, "b": 1}
    assert dicts[0] == {"a": {"x": 1, "z": 0}}
    assert utils.merge_dicts([]) == {}


def test_values_become_texts_and_bytes_that_stay_the_same() -> None:
    assert utils.json_dumps({"b": 1, "a": [1, 2]}) == '{"a":[1,2],"b":1}'
    stream = io.BytesIO()
    utils.pickle_dump([1, "a"], stream)
    assert stream.getvalue() == utils.pickle_dumps([1, "a"])
    assert stream.getvalue()[:2] == b"\x80\x03"
    assert utils.pickle_loads(stream.getvalue()) == [1, "a"]


def test_texts_are_cut_with_a_mark() -> None:
    assert utils.trim_string("a" * 50, 10) == "aaaaaaa..."
    assert utils.trim_string("abc", 3) == "abc"
    with pytest.raises(ValueError, match="max_length=2"):
        utils.trim_string("abc", 2)


def test_a_table_has_a_heading_and_columns() -> None:
    table = [["NAME", "N"], ["aaa", 12], ["b", 3]]
    assert list(utils.format_table(table, "lr")) == ["NAME   N", "", "aaa   12", "b      3"]
    assert list(utils.format_table(table, "rl", 5)) == [" NAME  N    ", "", "  aaa  12   ", "    b  3    "]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00:00.00"),
        (59.999, "0:00:59.99"),
        (3725.5, "1:02:05.50"),
        (2 * 86400 + 1, "48:00:01.00"),
        (-61, "-0:01:01.00"),
    ],
)
def test_a_duration_is_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    assert utils.format_timedelta(timedelta(seconds=seconds)) == text


def test_a_time_is_shown_in_the_zone_that_is_asked_for() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert utils.format_timestamp(moment, timezone(timedelta(hours=2))) == "2026-01-02 05:04:05"
    assert utils.format_timestamp(moment) == f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
    assert utils.utcnow().tzinfo is UTC


def test_booleans_are_true_or_false() -> None:
    assert [utils.str2bool(text) for text in ("true", "True", "false")] == [True, True, False]
    for text in ("yes", "1", ""):
        with pytest.raises(ValueError, match="no boolean"):
            utils.str2bool(text)


def test_a_multi_map_keeps_every_value_of_a_key() -> None:
    found = utils.MultiMap([("a", 1), ("b", 3)])
    found.add("a", 2)
    assert found["a"] == found.get("a") == [1, 2]
    assert (found.get("z"), found.get("z", None), "z" in found, len(found)) == ([], None, False, 3)
    assert list(found) == list(found.items()) == [("a", 1), ("a", 2), ("b", 3)]
    assert (list(found.keys()), list(found.values())) == (["a", "b"], [1, 2, 3])
    assert found.has_item("a", 2)
    assert not found.has_item("b", 2)
    assert found.as_dict() == {"a": [1, 2], "b": [3]}
    assert found == utils.MultiMap([("a", 1), ("a", 2), ("b", 3)]) != utils.MultiMap()
    assert repr(found) == "MultiMap([('a', 1), ('a', 2), ('b', 3)])"
    with pytest.raises(KeyError):
        found["z"]


def test_import_paths_come_first_and_are_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", sys.path[:])
    utils.add_import_path(str(tmp_path))
    assert sys.path[0] == str(tmp_path)
    assert utils.get_import_paths() == [str(tmp_path)]
    utils.clear_import_paths()
    assert utils.get_import_paths() == []
    assert str(tmp_path) in Scheduler().import_paths


# -- logging ----------------------------------------------------------------------------------------------------------

LOGS = """
from redun.logging import log_levels, logger
logger.info("from the workflow\\nin lines")
logger.debug("too little")
assert log_levels["WARN"] == 30
"""


def test_what_a_program_logs_is_shown_where_nothing_else_shows_it(tmp_path: Path) -> None:
    assert python(LOGS, tmp_path).stderr == "[redun] from the workflow\n[redun] in lines\n"


def test_handlers_of_the_program_are_left_in_charge(tmp_path: Path) -> None:
    before = "import logging\nlogging.basicConfig(level=30, format='mine %(message)s')\n"
    assert python(before + LOGS + "logger.warning('told')", tmp_path).stderr == "mine told\n"


# -- the scheduler ----------------------------------------------------------------------------------------------------


@task
def add(a: Any, b: Any = 2, *rest: Any, c: Any = get_context("x", 3), **more: Any) -> Any:
    return a


def test_defaults_are_those_of_the_parameters_that_a_call_leaves_out() -> None:
    assert get_arg_defaults(add, (1, 5), {"c": 6}) == {}
    assert set(get_arg_defaults(add, (), {"a": 1})) == {"b", "c"}
    assert set_arg_defaults(add, (1,), {"c": 4, "d": 5}) == ((1,), {"b": 2, "c": 4, "d": 5})


def test_a_call_is_shown_as_python_would_write_it() -> None:
    assert format_task_call(add, (1, [2], "x"), {"c": "y", "d": 4}) == "test_names.add(a=1, b=[2], 'x', c='y', d=4)"
    shown = format_task_call(add, ("x" * 1000,), {"c": 0})
    assert shown.startswith("test_names.add(a='xxx")
    assert len(shown) < 120
    with pytest.raises(TypeError, match="'a'"):
        format_task_call(add, (), {})


def test_a_plain_call_is_the_root_of_its_run_and_anything_else_gets_one(scheduler: Scheduler) -> None:
    for expr, wants_root in [(measure(Version("a")), False), ([measure(Version("a"))], True), (1, True)]:
        assert needs_root_task(scheduler.task_registry, expr) is wants_root
        scheduler.run(expr)
        assert ("redun.root_task" in scheduler.job_counts()) is wants_root


def test_the_table_of_jobs_is_given_and_logged(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler.logger, "propagate", True)
    assert scheduler.get_job_status_report()[3].split()[1:] == ["ALL", "0", "0", "0", "0", "0", "0"]
    scheduler.run([measure(Version("a")), measure(Version("bc"))])
    heading, columns, _, _, _, last, end = scheduler.get_job_status_report()
    assert heading.startswith("| JOB STATUS 20")
    assert columns.split()[1:] == ["TASK", "PENDING", "RUNNING", "FAILED", "CACHED", "DONE", "TOTAL"]
    assert last.split()[1:] == ["test_names.measure", "0", "0", "0", "0", "2", "2"]
    assert end == ""
    with caplog.at_level(logging.INFO, "redun"):
        scheduler.log_job_statuses()
    assert "test_names.measure" in caplog.messages[-1]


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
    scheduler.run(measure(Version("a")), tags=[("user", "ann")])
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
    assert scheduler.run(measure(Version("abc"))) == 3
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
