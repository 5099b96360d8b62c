"""What another attempt of an async task makes again: programs of which it is known how often each body runs.

`histories` draws such programs too; these are the ones in which the model has to be exact.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from truth_drawing import Step
from truth_model import Execution
from truth_modes import compare, inline, threads
from truth_options import RETRY_AT_ONCE, Options
from truth_outcomes import Unfit
from truth_programs import Node, Parameter, Program, TaskDef
from truth_repository import Repository, bounds
from truth_runtime import NOT_YET, Refused, log_key

UNCACHED: Options = (("cache", False),)
NEVER_SHARED: Options = (("cache_scope", "NONE"),)
TWO_RETRIES: Options = (*UNCACHED, ("max_retries", 2), RETRY_AT_ONCE)


def gives(number: int, body: Node, refusals: int = 0, options: Options = UNCACHED) -> TaskDef:
    return TaskDef(number, "num", (), body, refusals=refusals, options=options)


def tries(number: int, *awaited: Node) -> TaskDef:
    variables = tuple(Node("var", index) for index in range(len(awaited)))
    awaits = frozenset(range(len(awaited)))
    return TaskDef(number, "list", (), Node("list", None, variables), awaited, options=TWO_RETRIES, awaits=awaits)


def recovers(number: int) -> TaskDef:
    return TaskDef(number, "num", (Parameter("error", "error"),), Node("const", "7"), options=UNCACHED)


def call(number: int) -> Node:
    return Node("call", (number, (), ()))


def catch(part: Node, number: int) -> Node:
    return Node("catch", ((("Exception",), number),), (part,))


ONE = Node("const", "1")
RECOVERED = log_key("t1", (Refused(NOT_YET),))
KNOWN = {
    "the call itself": ([gives(0, ONE, 2), tries(1, call(0))], [3, 3]),
    "and those below it": ([gives(0, ONE, 2), gives(1, call(0)), tries(2, call(1))], [3, 3, 3]),
    "at most as often as there are retries": ([gives(0, ONE, 3), tries(1, call(0))], [3, 3]),
    "never what has succeeded": ([gives(0, ONE, 2), gives(1, ONE), tries(2, call(1), call(0))], [3, 1, 3]),
    "not even without any cache": (
        [gives(0, ONE, 2, NEVER_SHARED), gives(1, ONE, 0, NEVER_SHARED), tries(2, call(1), call(0))],
        [3, 1, 3],
    ),
    "nor what has recovered": (
        [gives(0, ONE, 2), recovers(1), gives(2, catch(call(0), 1)), tries(3, call(2), call(0))],
        [3, 1, 1, 3],
    ),
    "below a failure that is taken over": (
        [gives(0, ONE, 2), recovers(1), gives(2, call(0)), gives(3, catch(call(2), 1)), tries(4, call(3), call(2))],
        [3, 1, 3, 1, 3],
    ),
    "attempts within attempts": ([gives(0, ONE, 4), tries(1, call(0)), tries(2, call(1))], [5, 5, 2]),
    "a sub-run with all that is in it": (
        [gives(0, ONE, 2), gives(1, ONE), tries(2, Node("subrun", None, (Node("seq", None, (call(1), call(0))),)))],
        [3, 3, 3],
    ),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_the_next_attempt_makes_again(folder: Path, kind: str) -> None:
    tasks, runs = KNOWN[kind]
    program = Program(tuple(tasks), call(len(tasks) - 1))
    execution = Execution(program, Repository())
    keys = [RECOVERED if task.takes == "error" else log_key(task.name, ()) for task in tasks]
    expected = Counter(dict(zip(keys, runs, strict=True)))
    assert bounds(execution, execution.run()) == (expected, expected)
    for sections in (inline, threads):
        compare(folder, sections, (program, [Step("again"), Step("uncached")]))


def test_who_tries_side_by_side_shares_some_runs_perhaps(folder: Path) -> None:
    never = TaskDef(0, "num", (), ONE, guard=(Node("now", "eq", (ONE, ONE)), "Refused", "no"), options=UNCACHED)
    parts = (catch(call(2), 1), catch(call(3), 1))
    program = Program((never, recovers(1), tries(2, call(0)), tries(3, call(0))), Node("list", None, parts))
    execution = Execution(program, Repository())
    least, most = bounds(execution, execution.run())
    key = log_key("t0", ())
    assert least[key] <= 3
    assert most[key] >= 5
    compare(folder, threads, (program, [Step("again")]))


def test_whose_turn_decides_is_not_compared() -> None:
    program = Program(
        (gives(0, ONE, 1), recovers(1), tries(2, call(0))), Node("list", None, (call(2), catch(call(0), 1)))
    )
    execution = Execution(program, Repository())
    with pytest.raises(Unfit):
        bounds(execution, execution.run())
