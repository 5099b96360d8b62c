"""Thousands of programs: `tox -e truth`. Arguments after `--` go to pytest, such as `--hypothesis-seed=1`."""

from __future__ import annotations

from pathlib import Path

import pytest
import truth_check
from hypothesis import HealthCheck, given, settings
from truth_drawing import histories
from truth_modes import History, compare, compare_on_sqlite, inline, processes, threads

pytestmark = [pytest.mark.truth, pytest.mark.timeout(7200)]

LONG = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@pytest.fixture(autouse=True)
def _numbers(capsys: pytest.CaptureFixture[str]) -> object:
    """Say afterwards how much was compared."""
    truth_check.counts.clear()
    yield
    with capsys.disabled():
        print("\n" + ", ".join(f"{name}: {count:,}" for name, count in sorted(truth_check.counts.items())))


@settings(LONG, max_examples=5_000)
@given(history=histories())
def test_inline(folder: Path, history: History) -> None:
    compare(folder, inline, history)


@settings(LONG, max_examples=1_500)
@given(history=histories())
def test_in_threads(folder: Path, history: History) -> None:
    compare(folder, threads, history)


@settings(LONG, max_examples=500)
@given(history=histories())
def test_in_processes(folder: Path, history: History) -> None:
    compare(folder, processes, history)


@settings(LONG, max_examples=1_000)
@given(history=histories())
def test_on_sqlite(folder: Path, history: History) -> None:
    compare_on_sqlite(folder, history)
