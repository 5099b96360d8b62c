"""Tasks that only the body of another task imports are there in every run, also where that body is remembered."""

from __future__ import annotations

import pytest

STEPS = """
from redun import scheduler_task, task
from redun.promise import Promise

redun_namespace = "NAMESPACE"

@task
def step(x):
    return x + 1

@scheduler_task()
def forward(scheduler, parent_job, sexpr, x):
    return scheduler.evaluate(x, parent_job=parent_job)
"""

WORKFLOW = """
from redun import catch, task

redun_namespace = "importing"

@task
def recover(error):
    return f"recovered from {error}"

@task
def own():
    from steps import step
    return step(1)

@task
def reduns():
    from redun.functools import const, map_
    return const(map_(own, []), 0)

@task
def scheduler_tasks():
    from steps import forward
    return forward(2)

@task
def nested():
    @task(name="inner")
    def inner(x):
        return x * 2
    return inner(21)

@task(check_valid="shallow")
def shallow():
    return own()

@task
def caught():
    return catch(own(), Exception, recover)
"""


@pytest.mark.parametrize(
    ("name", "result"),
    [("own", "2"), ("reduns", "[]"), ("scheduler_tasks", "2"), ("nested", "42"), ("shallow", "2"), ("caught", "2")],
)
def test_a_task_that_a_body_imports_is_found_again(redun, name, result):
    (redun.folder / "importing.py").write_text(WORKFLOW)
    for namespace in ("before", "before", "after"):
        (redun.folder / "steps.py").write_text(STEPS.replace("NAMESPACE", namespace))
        assert redun("run", "importing.py", name).stdout == f"{result}\n"
