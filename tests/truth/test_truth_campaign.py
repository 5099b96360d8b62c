"""Thousands of programs: `tox -e truth`. Arguments after `--` go to pytest, such as `--hypothesis-seed=1`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import truth_check
from hypothesis import HealthCheck, given, settings
from truth_drawing import histories
from truth_modes import History, compare, compare_on_sqlite, inline, processes, sub_runs_elsewhere, threads

pytestmark = [pytest.mark.truth, pytest.mark.timeout(7200)]

LONG = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@pytest.fixture(autouse=True)
def _numbers(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Say afterwards how much was compared, and see that no construct is in next to no program."""
    counts = truth_check.counts
    counts.clear()
    yield
    with capsys.disabled():
        print("\n" + ", ".join(f"{name}: {count:,}" for name, count in sorted(counts.items())))
    if counts["programs"] >= 1_000:
        assert not [name for name in truth_check.CONSTRUCTS if counts[f"with {name}"] < 0.02 * counts["programs"]]


@settings(LONG, max_examples=3_000)
@given(history=histories())
def test_inline(folder: Path, history: History) -> None:
    compare(folder, inline, history)


@settings(LONG, max_examples=1_000)
@given(history=histories())
def test_in_threads(folder: Path, history: History) -> None:
    compare(folder, threads, history)


@settings(LONG, max_examples=300)
@given(history=histories(sub_runs=0))
def test_in_processes(folder: Path, history: History) -> None:
    compare(folder, processes, history)


@settings(LONG, max_examples=1_000)
@given(history=histories())
def test_on_sqlite(folder: Path, history: History) -> None:
    compare_on_sqlite(folder, history)


@settings(LONG, max_examples=200)
@given(history=histories(sub_runs=6))
def test_sub_runs_in_processes(folder: Path, history: History) -> None:
    compare_on_sqlite(folder, history, sub_runs_elsewhere)
