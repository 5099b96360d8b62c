"""A file that is edited while a workflow runs."""

import sys
from pathlib import Path

import pytest
from redun import Scheduler
from redun.errors import ExecutorError
from redun_executor_local.executor import LocalExecutor

SOURCE = """
from redun import task

redun_namespace = "changed_code"


@task
def answer():
    return {value}
"""


def load(folder: Path, value: int):
    """The task as the scheduler's process imports it.

    Give each version another length: Python takes a compiled module for current that has the same second and size.
    """
    (folder / "changing_workflow.py").write_text(SOURCE.format(value=value))
    sys.modules.pop("changing_workflow", None)
    import changing_workflow

    return changing_workflow.answer


def test_a_worker_never_records_the_result_of_other_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    answer = load(tmp_path, 1)
    expr = answer()
    assert answer.hash  # the scheduler knows the code as it was
    (tmp_path / "changing_workflow.py").write_text(SOURCE.format(value=22))
    scheduler = Scheduler(executor=LocalExecutor("default", mode="process", max_workers=1))
    with pytest.raises(ExecutorError, match=r"code of task changed_code\.answer .* was changed while the workflow ran"):
        scheduler.run(expr)
    assert scheduler.run(load(tmp_path, 333)()) == 333
