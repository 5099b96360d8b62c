"""The PostgreSQL backend keeps the promises of the interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres_server import Database
from redun.backends.base import Backend
from redun.testing import BackendSuite
from redun_backend_sql.postgres.backend import PostgresBackend


class TestPostgres(BackendSuite):
    @pytest.fixture
    def backend(self, repository: Database) -> Iterator[Backend]:
        backend = PostgresBackend(repository.server)
        backend.load()
        yield backend
        backend.close()

    @pytest.fixture
    def second(self, backend: Backend, repository: Database) -> Iterator[Backend]:
        second = PostgresBackend(repository.server)
        second.load()
        yield second
        second.close()
