"""The page about writing a filesystem does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from redun.testing.filesystem_rules import FileSystemRules

PAGE = (Path(__file__).parents[2] / "docs/plugins/writing-a-filesystem.md").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in re.findall(r"```python file=(\S+)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_its_filesystem_passes_the_suite_as_the_page_shows_it(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "test_vault.py", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d{2,} passed in", done.stdout, re.MULTILINE)


def test_its_plugin_offers_the_scheme(folder: Path) -> None:
    program = "import plugin; [kind] = plugin.redun_register_filesystems(); print(kind.schemes, kind.factory)"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "('vault',) vault:VaultFileSystem\n"


def test_it_names_everything_that_the_suite_can_be_told() -> None:
    told = {name for name in vars(FileSystemRules) if name.islower() and not name.startswith(("_", "test_"))}
    fixtures = {"root", "filesystem", "put", "get"}
    assert {name for name in told - fixtures if f"`{name}`" not in PAGE} == set()
