"""Whatever a program says and however it is edited: the engine gives what plain Python gives, and runs what it must.

Some dozens of programs in each mode, the same ones each time; `tox -e truth` draws thousands of others, and makes what
fails small, which takes minutes.
Here a failing program is shown as it was found.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from truth_drawing import histories
from truth_modes import History, compare, compare_on_sqlite, inline, processes, sub_runs_elsewhere, threads

QUICK = settings(
    derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)


@settings(QUICK, max_examples=100)
@given(history=histories())
def test_inline(folder: Path, history: History) -> None:
    compare(folder, inline, history)


@settings(QUICK, max_examples=60)
@given(history=histories())
def test_in_threads(folder: Path, history: History) -> None:
    compare(folder, threads, history)


@settings(QUICK, max_examples=12)
@given(history=histories(most_steps=2, sub_runs=0))
def test_in_processes(folder: Path, history: History) -> None:
    compare(folder, processes, history)


@settings(QUICK, max_examples=60)
@given(history=histories())
def test_on_sqlite(folder: Path, history: History) -> None:
    compare_on_sqlite(folder, history)


@settings(QUICK, max_examples=8)
@given(history=histories(most_steps=2, sub_runs=6))
def test_sub_runs_in_processes(folder: Path, history: History) -> None:
    compare_on_sqlite(folder, history, sub_runs_elsewhere)
