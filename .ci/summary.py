"""Adds up what tox's environments found: `N passed, N failed`, where an environment without pytest counts as one.

Usage: summary.py RESULTS_JSON JUNIT_FOLDER. The exit code is 1 when anything failed, or nothing ran.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def count_tests(junit: Path) -> Counter[str]:
    """What pytest reports about one environment."""
    counts: Counter[str] = Counter()
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        counts += Counter(passed=int(suite.get("tests", 0)) - failed - skipped, failed=failed, skipped=skipped)
    return counts


def count_environment(name: str, result: dict, junit_folder: Path) -> Counter[str]:
    """What one environment adds to the sum."""
    succeeded = bool(result["result"]["success"])
    junit = junit_folder / f"{name}.xml"
    counts = count_tests(junit) if junit.exists() else Counter(passed=int(succeeded))
    if not succeeded and not counts["failed"]:
        counts["failed"] += 1
    return counts


def main(results_json: Path, junit_folder: Path) -> int:
    """Print a line for each environment that ran, and the sum."""
    environments = json.loads(results_json.read_text())["testenvs"] if results_json.exists() else {}
    total: Counter[str] = Counter()
    for name, result in environments.items():
        if "result" not in result or result["result"].get("skipped"):
            continue  # not asked for, or its Python is not installed
        counts = count_environment(name, result, junit_folder)
        print(f"{name:>12}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
        total += counts
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
