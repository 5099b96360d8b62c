"""The suite for filesystems notices those that break its rules."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

BROKEN = Path(__file__).with_name("broken_filesystems.py")


def test_every_broken_filesystem_fails_the_tests_of_the_rule_that_it_breaks():
    options = "-q --tb=no --show-capture=no -rA -p no:cacheprovider -p no:faulthandler"
    command = [sys.executable, "-m", "pytest", str(BROKEN), *options.split(), "-o", f"python_files={BROKEN.name}"]
    done = subprocess.run(command, cwd=BROKEN.parent, capture_output=True, text=True, timeout=150)
    outcomes = defaultdict(set)
    for line in done.stdout.splitlines():
        outcome, _, test = line.partition(" ")
        if outcome in ("PASSED", "FAILED", "ERROR"):
            outcomes[test.split("::")[1].removeprefix("Test")].add(outcome)
    assert len(outcomes) == BROKEN.read_text().count("(Broken):"), done.stdout + done.stderr
    assert {kind for kind, found in outcomes.items() if found != {"FAILED"} and found != {"FAILED", "PASSED"}} == set()
