"""The suites notice what they are for: each of some broken executors and backends fails the test that is about it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import broken_backends
import broken_executors
import pytest

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
RUN_TESTS = "import os, sys, pytest; code = pytest.main(sys.argv[1:]); sys.stdout.flush(); os._exit(code)"
"""Broken executors leave threads behind that would keep the program from ending."""


def outcomes_of(module, folder: Path) -> dict[str, str]:
    """How the named tests of the suites in a module end, by their name."""
    report = folder / "report.xml"
    file = Path(module.__file__)
    names = [f"{file}::{suite}::{name}" for suite, tests in module.CAUGHT_BY.items() for name in tests]
    words = ["-q", "--tb=no", "-p", "no:cacheprovider", f"--rootdir={folder}", "-c", os.devnull]
    # Into a file: what a broken executor leaves running keeps a pipe open.
    output = folder / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN_TESTS, *words, f"--junitxml={report}", *names],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
            cwd=folder,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        process.wait(timeout=100)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert report.exists(), output.read_text()
    outcomes: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        kinds = [child.tag for child in case]
        failed = outcomes.get(name) == "caught" or "failure" in kinds or "error" in kinds
        outcomes[name] = "caught" if failed else "skipped" if "skipped" in kinds else "passed"
    return outcomes


@pytest.mark.parametrize("module", [broken_executors, broken_backends], ids=["executors", "backends"])
def test_every_broken_part_is_caught_by_the_test_that_is_about_it(module, tmp_path):
    outcomes = outcomes_of(module, tmp_path)
    expected = {f"{suite}::{name}" for suite, names in module.CAUGHT_BY.items() for name in names}
    not_caught = {name: outcomes.get(name, "not run") for name in expected if outcomes.get(name) != "caught"}
    assert not not_caught
    assert len(expected) > 10
