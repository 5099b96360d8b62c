"""Wheels of all packages, and environments that hold nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def build() -> Callable[[Sequence[Path], Path], list[Path]]:
    """Builds wheels of packages into a folder, from their source distributions, which are built from the checkout."""

    def build(packages: Sequence[Path], target: Path) -> list[Path]:
        for package in packages:
            run("uv", "build", "--quiet", "--out-dir", target, package, cwd=target)
        assert len(list(target.glob("*.tar.gz"))) == len(packages)
        return sorted(target.glob("*.whl"))

    return build


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory, build: Callable[..., list[Path]]) -> list[Path]:
    """The wheels of this project's own packages."""
    packages = sorted(folder.parent for folder in ROOT.glob("redun-*/pyproject.toml"))
    return build(packages, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def make_environment() -> Callable[..., Path]:
    """Makes an environment with these wheels and what they ask for, and says where its programs are."""

    def make_environment(folder: Path, wheels: Sequence[Path], *others: str) -> Path:
        run("uv", "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
        run("uv", "pip", "install", "--quiet", "--python", folder / "venv/bin/python", *wheels, *others, cwd=folder)
        return folder / "venv/bin"

    return make_environment
