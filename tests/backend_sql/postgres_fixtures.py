"""A PostgreSQL server for the session, and a database for each test that wants one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import postgres_server
import pytest
from postgres_server import Database, PostgresServer
from redun_backend_sql.postgres.backend import PostgresBackend


@pytest.fixture(scope="session")
def postgres_uri_of() -> Iterator[Callable[[str], str]]:
    """Says the `db_uri` of a database on the server of the session, by its name. The environment has the credentials.

    The server is the one that TEST_POSTGRES_URL names, else one that is started from what the machine has.
    """
    with pytest.MonkeyPatch.context() as patch:
        given = os.environ.get("TEST_POSTGRES_URL")
        if given:
            parts = urlsplit(given)
            patch.setenv("REDUN_DB_USERNAME", parts.username or "")
            patch.setenv("REDUN_DB_PASSWORD", parts.password or "")
            address = parts.netloc.rpartition("@")[2]
            yield lambda name: f"postgresql://{address}/{name}?{parts.query}"
            return
        server = new_server()
        patch.setenv("REDUN_DB_USERNAME", postgres_server.USER)
        patch.setenv("REDUN_DB_PASSWORD", postgres_server.PASSWORD)
        try:
            server.start()
            yield server.uri
        finally:
            server.remove()


def new_server() -> PostgresServer:
    """A server that is not started yet; without PostgreSQL, or where it is not wanted, the test is skipped."""
    if os.environ.get("TEST_POSTGRES") == "none":
        pytest.skip("PostgreSQL is left out: TEST_POSTGRES=none")
    programs = postgres_server.find_programs()
    if programs is None:
        pytest.skip(postgres_server.HOW_TO_GET)
    return PostgresServer(programs)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """A server of the test's own, which it may stop and start."""
    server = new_server()
    monkeypatch.setenv("REDUN_DB_USERNAME", postgres_server.USER)
    monkeypatch.setenv("REDUN_DB_PASSWORD", postgres_server.PASSWORD)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def template(postgres_uri_of: Callable[[str], str]) -> Iterator[Database]:
    """A database with an empty repository, which others are copied from: migrations take a while."""
    database = postgres_server.make_database(postgres_uri_of)
    backend = PostgresBackend(database.server, automigrate=True)
    backend.load()
    backend.close()
    yield database
    postgres_server.drop_database(postgres_uri_of, database)


@pytest.fixture
def repository(postgres_uri_of: Callable[[str], str], template: Database) -> Iterator[Database]:
    """A database with an empty repository."""
    database = postgres_server.make_database(postgres_uri_of, f'TEMPLATE "{template.name}"')
    yield database
    postgres_server.drop_database(postgres_uri_of, database)


@pytest.fixture
def backend(repository: Database) -> Iterator[PostgresBackend]:
    """The repository, opened. Attempts follow each other quickly."""
    backend = PostgresBackend(repository.server, retries=100, backoff=0.05, backoff_max=0.05)
    backend.load()
    yield backend
    backend.close()


@pytest.fixture
def database(postgres_uri_of: Callable[[str], str]) -> Iterator[Database]:
    """An empty database."""
    database = postgres_server.make_database(postgres_uri_of)
    yield database
    postgres_server.drop_database(postgres_uri_of, database)
