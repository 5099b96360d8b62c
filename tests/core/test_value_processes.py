"""The same value has the same hash in every process, under every hash seed and Python version, and for ever."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import redun

SCRIPT = Path(__file__).with_name("hash_examples.py")
PINNED = Path(__file__).with_name("hash_examples.json")
SOURCE = Path(redun.__file__).parents[1]


def hashes_of(python: str, seed: str) -> dict[str, str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([python, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_hashes_are_the_pinned_ones_under_every_hash_seed(seed: str):
    assert hashes_of(sys.executable, seed) == json.loads(PINNED.read_text())


def find_python(version: str) -> str:
    """A Python of that version from the PATH, or installed beside the one that runs. The name may be an empty shim."""
    beside = sorted(Path(sys.base_prefix).parent.glob(f"*{version}*/bin/python{version}"))
    for python in filter(None, (shutil.which(f"python{version}"), *map(str, beside))):
        probe = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return python
    pytest.skip(f"no Python {version} found")


@pytest.mark.once
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_hashes_are_the_pinned_ones_in_every_python_version(version: str):
    assert hashes_of(find_python(version), "random") == json.loads(PINNED.read_text())


def test_different_examples_have_different_hashes():
    pinned = json.loads(PINNED.read_text())
    assert len(set(pinned.values())) == len(pinned)
