"""The filesystems that come with redun keep the rules of the interface."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from redun.file import filesystem as registry
from redun.testing import FileSystemSuite


class TestLocal(FileSystemSuite):
    @pytest.fixture
    def root(self, tmp_path: Path) -> str:
        (tmp_path / "root").mkdir()
        return str(tmp_path / "root")


class TestRelativePaths(FileSystemSuite):
    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        (tmp_path / "root").mkdir()
        monkeypatch.chdir(tmp_path)
        return "root"


class TestFileUrls(FileSystemSuite):
    @pytest.fixture
    def root(self, tmp_path: Path) -> str:
        (tmp_path / "root").mkdir()
        return f"file://{tmp_path}/root"


class TestMemory(FileSystemSuite):
    """Through fsspec. In memory, a file may take the place of a directory."""

    guards_directories = False

    @pytest.fixture
    def root(self) -> str:
        pytest.importorskip("fsspec")
        return f"memory://suite-{uuid.uuid4()}"


class TestLocalThroughFsspec(FileSystemSuite):
    """The local files once more, as fsspec sees them."""

    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        fsspec = pytest.importorskip("fsspec")
        from fsspec.implementations.local import LocalFileSystem

        class Elsewhere(LocalFileSystem):
            protocol = "elsewhere"

            @classmethod
            def _strip_protocol(cls, path: str) -> Any:
                return super()._strip_protocol(str(path).removeprefix("elsewhere://"))

            def unstrip_protocol(self, name: str) -> str:
                return f"elsewhere://{self._strip_protocol(name)}"

        fsspec.register_implementation("elsewhere", Elsewhere, clobber=True)
        monkeypatch.setattr(registry, "_instances", dict(registry._instances))
        (tmp_path / "root").mkdir()
        return f"elsewhere://{tmp_path}/root"
