"""What users read when they have made a mistake: it names what they wrote, and nothing that is redun's own."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from redun import Scheduler, task
from redun.backends.memory import MemoryBackend
from redun.errors import InvalidValueError, NoCurrentScheduler, RedunError, SchedulerError, UsageError
from redun.executors.inline import InlineExecutor
from redun.expression import quote
from redun.functools import const, delay, force, identity, map_, seq, starmap
from redun.job_info import JobInfo
from redun.promise import Promise
from redun.scheduler import Job, catch, cond, subrun, throw
from redun.scheduler.events import JobEvent
from redun.scheduler.job_lines import JobLines
from redun.task import scheduler_task
from redun.value import Value

redun_namespace = "slips"
pytestmark = pytest.mark.timeout(60)


@task
def inc(x: int) -> int:
    return x + 1


@task
def takes(x: Any, *, named: Any = None) -> Any:
    return x


@task
def call_inside() -> Any:
    return takes(lambda: 1)


@task
def call_with_a_list() -> Any:
    return takes(1, named=[1, {"a": {1, lambda: 1}}])


@task
def know(n: int, job: JobInfo = JobInfo()) -> int:
    raise ValueError("\x1b[31mred\x07\n\ttext")


class Unwilling(Value):
    def preprocess(self, preprocess_args: dict[str, Any]) -> Any:
        raise RuntimeError("not me")


@task
def unwilling() -> Any:
    return Unwilling()


class Lines:
    """An observer that keeps the job lines of the command line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._writer = JobLines()

    def handle(self, events: Any) -> None:
        event: JobEvent
        for event in events:
            if event.kind == "failed":
                self.lines.append(self._writer.line(event))


@pytest.fixture
def lines(scheduler: Scheduler) -> list[str]:
    """The lines about failed jobs."""
    observer = Lines()
    scheduler.observers.append(observer)
    return observer.lines


# -- options -----------------------------------------------------------------------------------------------------------


def test_a_misspelt_option_of_a_call_is_warned_about_once(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "redun"):
        scheduler.run([inc.options(executer="process")(number) for number in range(3)])
        scheduler.run(inc.options(memory=3)(7))
    assert [record.getMessage() for record in caplog.records] == [
        "task 'slips.inc': unknown option 'executer'. Did you mean 'executor'?"
    ]


# -- calls that do not fit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("called", "message"),
    [
        (lambda: seq(inc(1), inc(2)), r"^seq\(\) takes 1 positional argument but 2 were given$"),
        (lambda: cond(True), r"^cond\(\) missing 1 required positional argument: 'then_expr'$"),
        (lambda: catch(), r"^catch\(\) missing 1 required positional argument: 'expr'$"),
        (lambda: map_(inc), r"^map_\(\) missing 1 required positional argument: 'values'$"),
        (lambda: starmap(inc, [], 3), r"^starmap\(\) takes from 1 to 2 positional arguments but 3 were given$"),
    ],
)
def test_a_scheduler_task_names_itself_and_counts_what_callers_give(
    scheduler: Scheduler, called: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message) as caught:
        scheduler.run(called())
    assert caught.value.__context__ is None


@scheduler_task(namespace="slips")
def fails_inside(scheduler: Scheduler, parent_job: Job, sexpr: Any, x: Any) -> Promise[Any]:
    return len(x)


def test_a_type_error_of_a_scheduler_tasks_own_is_kept(scheduler: Scheduler) -> None:
    with pytest.raises(TypeError, match=r"^object of type 'int' has no len\(\)$"):
        scheduler.run(fails_inside(5))


@pytest.mark.parametrize(
    ("called", "message"),
    [
        (lambda: seq(5), r"seq\(\) takes a list of expressions, not 5"),
        (lambda: seq(identity(5)), r"seq\(\) takes a list of expressions, not 5"),
        (lambda: map_(inc, inc(4)), r"map_\(\) takes a task, and a list of values, not 5"),
        (lambda: map_(5, [1]), r"map_\(\) takes a task, and a list of values: 5 is no task"),
        (lambda: starmap(inc, [5]), r"starmap\(\) takes a task, and a list of dicts of its arguments, not \[5\]"),
        (lambda: throw("x"), r"throw\(\) takes an exception, such as ValueError\('x'\), not 'x'"),
    ],
)
def test_what_redun_cannot_use_is_named(scheduler: Scheduler, called: Any, message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        scheduler.run(called())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: task(5), "@task takes a function, not 5"),
        (lambda: task("name"), r"@task takes a function, not 'name'.* task\(name=\.\.\.\)"),
        (lambda: inc.update_context(5), r"update_context\(\) of task 'slips.inc' takes a dict of changes, not 5"),
    ],
)
def test_what_a_task_cannot_be_made_of_is_named(made: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        made()


def test_the_tags_of_an_execution_are_pairs(scheduler: Scheduler) -> None:
    for wrong in ({"a": 1}, ["a"], 5, "ab", [("a", {1})]):
        with pytest.raises(UsageError, match="tag"):
            scheduler.run(inc(1), tags=wrong)
    assert scheduler.run(inc(1), tags=(pair for pair in [("a", 1)])) == 2
    assert len(scheduler.backend.executions(limit=9)) == 1


def test_a_scheduler_takes_a_configuration_as_a_plain_dict(backend: MemoryBackend) -> None:
    executor = InlineExecutor("default")
    scheduler = Scheduler(config={"limits": {"a": 2}}, backend=backend, executor=executor)
    assert scheduler.limits == {"a": 2}
    with pytest.raises(RedunError, match="a configuration must be options by section name"):
        Scheduler(config={"limits": 5})


# -- arguments that cannot be stored -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("called", "argument"),
    [
        (lambda: [inc(1), takes(lambda: 1)], "'x'"),
        (call_inside, "'x'"),
        (call_with_a_list, "'named'"),
        (lambda: takes(quote(inc(lambda: 1))), "'x'"),
        (lambda: subrun(takes(inc(1), named=lambda: 1), executor="default"), "'named'"),
    ],
)
def test_an_argument_that_cannot_be_stored_is_named_once_with_its_call(
    scheduler: Scheduler, called: Any, argument: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        scheduler.run(called())
    message = str(caught.value)
    assert message.startswith((f"argument {argument} of slips.takes: ", "argument 'x' of slips.inc: "))
    assert message.count("cannot be") <= 2
    assert "redun." not in message
    assert "a lambda" in message


def _cycle() -> list[Any]:
    cycle: list[Any] = [inc(1)]
    cycle.append(cycle)
    return cycle


@pytest.mark.parametrize("given", [lambda: 1, [lambda: 1], [inc(1), lambda: 1], _cycle()])
def test_what_is_given_to_run_and_cannot_be_stored_is_called_just_that(scheduler: Scheduler, given: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"^what was given to run\(\)") as caught:
        scheduler.run(given)
    assert "redun." not in str(caught.value)


def test_a_bad_argument_is_told_in_the_same_words_wherever_the_call_stands(scheduler: Scheduler) -> None:
    said = set()
    for call in (takes(lambda: 1), [takes(lambda: 1)], call_inside()):
        with pytest.raises(InvalidValueError) as caught:
            scheduler.run(call)
        said.add(str(caught.value).partition(" a lambda")[0])
    assert said == {"argument 'x' of slips.takes:"}


def test_arguments_beyond_the_parameters_are_numbered(scheduler: Scheduler) -> None:
    with pytest.raises(InvalidValueError, match=r"^argument 2 of slips.inc: a lambda"):
        scheduler.run([inc(1, lambda: 1)])


# -- what is shown of a failure ----------------------------------------------------------------------------------------


def test_a_call_that_cannot_be_prepared_is_shown_with_its_arguments(scheduler: Scheduler, lines: list[str]) -> None:
    with pytest.raises(InvalidValueError, match="preprocess raised RuntimeError: not me"):
        scheduler.run(takes(inc(1), named=unwilling()))
    assert "slips.takes(x=2, named=<Unwilling>) (Inv" in lines[0]
    assert scheduler.traceback is not None
    assert scheduler.traceback.frames[-1].arguments[0] == "x = 2"


def test_job_info_and_control_characters_are_not_shown(scheduler: Scheduler, lines: list[str]) -> None:
    with pytest.raises(ValueError, match="red"):
        scheduler.run(know(3))
    assert lines[0].endswith("slips.know(n=3) (ValueError: \\x1b[31mred\\x07\n\ttext)")
    assert scheduler.traceback is not None
    text = "\n".join(scheduler.traceback.format())
    assert "JobInfo" not in text
    assert "ValueError: \\x1b[31mred\\x07\n\ttext" in text


def test_a_mistake_in_a_sub_run_shows_no_frames_of_redun(scheduler: Scheduler) -> None:
    with pytest.raises(SchedulerError, match="cannot import the module 'nope'"):
        scheduler.run(subrun(inc(1), executor="default", load_modules=["nope"]))
    assert scheduler.traceback is not None
    assert "sub_scheduler.py" not in scheduler.traceback.detail
    assert "importlib" not in scheduler.traceback.detail


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (inc(3), "slips.inc(3)"),
        (takes([inc(1)], named="a"), "slips.takes([slips.inc(1)], named='a')"),
        (inc(1) > 2, "(slips.inc(1) > 2)"),
        (inc(1)[0].name, "slips.inc(1)[0].name"),
        (inc(1)(2, a=3), "slips.inc(1)(2, a=3)"),
        (cond(inc(1), 2), "redun.cond(slips.inc(1), 2)"),
        (takes.partial(1, named=2), "slips.takes.partial(1, named=2)"),
    ],
)
def test_an_expression_shows_what_is_called(expr: Any, text: str) -> None:
    assert repr(expr) == text


def test_the_text_of_an_expression_is_short_whatever_is_in_it() -> None:
    expr: Any = inc(1)
    for _ in range(5000):
        expr = takes([expr, expr], named=expr)
    assert len(repr(expr)) <= 120
    assert len(repr(takes("x" * 10**6, named=list(range(10**6))))) <= 120
    with pytest.raises(TypeError, match=r"^slips.inc\(1\) is lazy: its truth is not known yet"):
        bool(inc(1))


# -- the names of the reference ----------------------------------------------------------------------------------------


def test_parameters_have_the_names_that_keyword_calls_use(scheduler: Scheduler) -> None:
    assert scheduler.run(identity(x=1)) == 1
    assert scheduler.run(const(x=1, _=inc(1))) == 1
    assert scheduler.run(force(x=delay(x=inc(1)))) == 2
    assert scheduler.run(cond(cond_expr=inc(1), then_expr=1)) == 1


@scheduler_task(namespace="slips")
def evaluates(scheduler: Scheduler, parent_job: Job, sexpr: Any, x: Any) -> Promise[Any]:
    return scheduler.evaluate(x)


@scheduler_task(namespace="slips")
def evaluates_late(scheduler: Scheduler, parent_job: Job, sexpr: Any, x: Any) -> Promise[Any]:
    return scheduler.evaluate(x).then(scheduler.evaluate)


@task
def evaluates_below(x: int) -> Any:
    return evaluates(inc(x))


def test_a_scheduler_task_may_evaluate_without_naming_a_job(scheduler: Scheduler) -> None:
    assert scheduler.run(evaluates_below(1)) == 2
    rows = scheduler.backend.jobs(scheduler.execution_id)
    assert rows[1].parent == rows[0].number
    with pytest.raises(NoCurrentScheduler, match="a promise calls needs parent_job"):
        scheduler.run(evaluates_late(inc(1)))
    with pytest.raises(NoCurrentScheduler, match="elsewhere, use run"):
        scheduler.evaluate(inc(1))


def test_executors_are_found_by_name_before_they_are_used(backend: MemoryBackend) -> None:
    scheduler = Scheduler(config={"executors.mine": {"type": "inline"}}, backend=backend)
    assert {"default", "mine"} <= set(scheduler.executors)
    mine = scheduler.executors["mine"]
    assert mine.name == "mine"
    assert scheduler.executors["mine"] is scheduler.find_executor("mine") is mine
    other = scheduler.executors["other"] = InlineExecutor("other")
    assert scheduler.find_executor("other") is other
    del scheduler.executors["other"]
    assert "other" not in scheduler.executors
    with pytest.raises(KeyError):
        scheduler.executors["nix"]
