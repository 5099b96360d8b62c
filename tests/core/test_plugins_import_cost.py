"""What redun does not import before it is needed: checked in fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ["pydantic", "importlib_metadata", "pluggy", "sqlalchemy", "alembic", "rich", "fsspec", "click"]


def imported_by(code: str, cwd, *names: str) -> list[str]:
    probe = f"import sys\n{code}\nprint(*[n for n in {list(names)!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_an_untouched_configuration_is_read_without_pydantic_and_without_looking_for_plugins(tmp_path):
    code = """
from redun.config import load_config, limits, scheduler_settings
config = load_config()
assert limits(config) == {} and scheduler_settings(config).job_status_interval == 20
"""
    assert imported_by(code, tmp_path, *HEAVY) == []


def test_the_default_executor_and_backend_are_made_without_pydantic(tmp_path):
    code = """
from redun.config import load_config, executor_names, make_backend, make_executor
config = load_config()
make_executor(config, executor_names(config)[0])
make_backend(config)
"""
    assert imported_by(code, tmp_path, "pydantic", "sqlalchemy", "alembic", "rich", "fsspec", "click") == []


def test_plugin_modules_may_name_the_contract_at_the_cost_of_pluggy_alone(tmp_path):
    code = "from redun.plugins import hookimpl, ExecutorType, BackendType, ConfigSection, Command"
    assert imported_by(code, tmp_path, *HEAVY) == ["pluggy"]


def test_looking_for_a_foreign_redun_imports_nothing(tmp_path):
    code = "from redun.plugins.foreign import check_foreign_redun; check_foreign_redun()"
    assert imported_by(code, tmp_path, *HEAVY, "dataclasses", "inspect") == []


@pytest.mark.parametrize("environment", ["", "import os; os.environ['REDUN_PLUGIN_AUTOLOAD'] = '0'\n"])
def test_loading_our_plugins_imports_nothing_heavy(tmp_path, environment):
    code = environment + "from redun.plugins import get_plugins; get_plugins().problems()"
    heavy = [name for name in HEAVY if name not in ("pluggy", "importlib_metadata")]
    assert imported_by(code, tmp_path, *heavy, "boto3", "subprocess") == []
    if environment:
        assert imported_by(code, tmp_path, "importlib_metadata") == []


def test_installed_metadata_is_read_in_one_module_only():
    from pathlib import Path

    import redun

    source = Path(redun.__file__).parent
    users = [path.name for path in source.rglob("*.py") if "import importlib_metadata" in path.read_text()]
    assert users == ["discovery.py"]
