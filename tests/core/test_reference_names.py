"""Names that workflows, tests and notebooks import beside the language itself, and what a run does not import."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

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
        *("redun.scheduler.task_calls", "redun.file", "difflib"),
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
