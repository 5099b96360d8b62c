"""The SQLite backend keeps the promises of the interface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redun.backends.base import Backend
from redun.testing import BackendSuite
from redun_backend_sql.sqlite_backend import SqliteBackend


class TestSqliteFile(BackendSuite):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        backend = SqliteBackend(tmp_path / "redun.db")
        backend.load()
        yield backend
        backend.close()

    @pytest.fixture
    def second(self, backend: Backend, tmp_path: Path) -> Iterator[Backend]:
        second = SqliteBackend(tmp_path / "redun.db")
        second.load()
        yield second
        second.close()


class TestSqliteInMemory(BackendSuite):
    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        backend = SqliteBackend(None)
        backend.load()
        yield backend
        backend.close()
