"""The PostgreSQL backend keeps the promises of the interface."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from postgres_server import Database
from redun.backends.base import Backend
from redun.backends.search import Kind, Query
from redun.testing import BackendSuite
from redun.testing.backend_records import Story
from redun_backend_sql.postgres.backend import PostgresBackend


class TestPostgres(BackendSuite):
    @pytest.fixture
    def backend(self, repository: Database) -> Iterator[Backend]:
        backend = PostgresBackend(repository.server)
        backend.load()
        yield backend
        backend.close()

    def test_numbers_are_those_of_python(self, backend: Backend, story: Story) -> None:
        """Sums are decimal numbers on the server, of which no JSON can be made."""
        story.job(1)
        story.job(2, story.call("f", "result"), parent=1)
        backend.record(story.take())
        counts = backend.count(Kind.JOB, Query())
        assert json.loads(json.dumps([backend.task_counts(story.execution_id), backend.execution_states(), counts]))

    @pytest.fixture
    def second(self, backend: Backend, repository: Database) -> Iterator[Backend]:
        second = PostgresBackend(repository.server)
        second.load()
        yield second
        second.close()
