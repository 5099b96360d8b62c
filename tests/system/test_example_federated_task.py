"""The example in examples/federated_task keeps what its README promises, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "federated_task"
NOT_COPIED = shutil.ignore_patterns("redun.db*", "__pycache__")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "federated_task"
    shutil.copytree(EXAMPLE, target, ignore=NOT_COPIED)
    return target


def redun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "redun", *arguments], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    return result


def test_the_kitchen_gets_the_prices_of_the_shop(folder: Path) -> None:
    done = redun(folder, "run", "workflow.py", "main")
    assert "total: 5.80" in done.stdout
    assert "shop." not in redun(folder, "log", "-").stdout.split("-" * 80)[1].replace("shop/.redun", "")
    theirs = redun(folder, "-c", "shop/.redun", "log", "-").stdout
    assert theirs.count("shop.price_of(") == 3


def test_the_shop_finds_the_prices_in_its_own_repository(folder: Path) -> None:
    redun(folder, "run", "workflow.py", "main")
    done = redun(folder, "run", "workflow.py", "main", "--people", "9")
    assert "total: 11.60" in done.stdout
    assert re.findall(r"Run +Job \S+ shop\.(\w+)\(", done.stderr) == ["ask_prices"]
    assert re.findall(r"Cached Job \S+ shop\.(\w+)\(", done.stderr) == ["price_of"] * 3


def test_nothing_of_the_shop_is_imported_by_the_kitchen(folder: Path) -> None:
    code = "import sys, workflow; print('shop_tasks' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
