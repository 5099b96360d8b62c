"""Opening a PostgreSQL repository: what is made, what is refused, and what the message says."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from postgres_server import PASSWORD, USER, Database, drop_database, make_database
from redun.errors import BackendError, BackendVersionError, ConfigError
from redun.plugins import Plugins, hookimpl, use_plugins
from redun.plugins.discovery import Entry, Origin
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.factory import make_backend
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.postgres.connection import PostgresConnection
from redun_backend_sql.postgres.server import Server
from redun_backend_sql.revision import SCHEMA_REVISION, VERSION_TABLE


def refused(server: Server, **options: Any) -> str:
    """Why opening is refused, in one line, without the password."""
    with pytest.raises(BackendError) as error:
        PostgresBackend(server, retries=0, **options).load()
    message = str(error.value)
    assert "\n" not in message
    assert PASSWORD not in message
    return message


def tables(database: Database) -> list[str]:
    return [name for (name,) in database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def test_an_empty_database_is_refused_with_what_to_do_and_left_empty(database: Database) -> None:
    assert "is empty. `redun init` or `redun db upgrade` makes the tables in it" in refused(database.server)
    assert tables(database) == []


def test_with_automigrate_an_empty_database_becomes_a_repository(database: Database) -> None:
    backend = PostgresBackend(database.server, automigrate=True)
    backend.load()
    backend.load()
    assert VERSION_TABLE in tables(database)
    backend.close()


def test_a_database_of_the_other_redun_is_refused(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE redun_version (id int); CREATE TABLE call_node (id int)")
    for options in ({}, {"automigrate": True}):
        assert "made by the distribution `redun`" in refused(database.server, **options)
    assert len(tables(database)) == 2


def test_a_database_of_another_program_is_refused_and_a_schema_of_its_own_is_not(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE orders (id int)")
        connection.execute("CREATE SCHEMA redun")
    assert "another program (it has the tables orders)" in refused(database.server, automigrate=True)
    uri = f"{database.server.uri}&options=-csearch_path%3Dredun"
    backend = PostgresBackend(replace(database.server, uri=uri), automigrate=True)
    backend.load()
    backend.record(Story().begin().take())
    backend.close()
    assert tables(database) == ["orders"]
    assert database.rows("SELECT count(*) FROM redun.execution") == [(1,)]


def test_tables_of_extensions_are_nobody_elses_program(database: Database) -> None:
    with database.connect() as connection:
        # As PostGIS does with its table of coordinate systems.
        connection.execute("CREATE TABLE owned (id int); ALTER EXTENSION plpgsql ADD TABLE owned")
    backend = PostgresBackend(database.server, automigrate=True)
    backend.load()
    backend.close()


def test_a_newer_schema_is_refused(repository: Database) -> None:
    with repository.connect() as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")
    with pytest.raises(BackendVersionError, match=f"revision 99; .* up to {SCHEMA_REVISION}. Upgrade redun"):
        PostgresBackend(repository.server).load()


def test_a_wrong_password_names_the_variables(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PASSWORD", "wrong secret")
    message = refused(replace(database.server, password_env="MY_PASSWORD"))
    assert "password authentication failed" in message
    assert "REDUN_DB_USERNAME and MY_PASSWORD" in message
    assert "wrong secret" not in message


def test_a_missing_password_names_the_variables(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    message = refused(replace(database.server, password_env="MY_PASSWORD"))
    assert "no password supplied" in message
    assert "REDUN_DB_USERNAME and MY_PASSWORD" in message
    assert "cannot be reached" not in message


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("postgresql://127.0.0.1:1/redun?sslmode=bogus", 'invalid sslmode value: "bogus"'),
        ("postgresql://127.0.0.1:1/redun?keepalives=yes", 'invalid integer value "yes"'),
        ("postgresql://127.0.0.1:1/redun?connect_timeout=soon", "bad value for connect_timeout"),
        ("postgresql://127.0.0.1:99999/redun", 'invalid port number: "99999"'),
        ("postgresql://localhost:port/redun", "the port is no number"),
    ],
)
def test_a_setting_that_no_connection_can_be_made_with_is_named(uri: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=r"\[backend\] db_uri: ") as error:
        PostgresBackend(Server(uri, uri.partition("?")[0]), retries=5, backoff=1000).load()
    assert problem in str(error.value)
    assert "reached" not in str(error.value)


def test_a_missing_database_is_named(database: Database) -> None:
    uri = database.server.uri.replace(database.name, "nowhere")
    message = refused(replace(database.server, uri=uri, shown="postgresql:///nowhere"))
    assert 'database "nowhere" does not exist. Create the database' in message


@pytest.mark.parametrize("uri", ["postgresql://127.0.0.1:1/redun", "postgresql:///redun?host=/nonexistent"])
def test_a_server_that_is_not_there_is_named_at_once(uri: str, database: Database) -> None:
    with pytest.raises(BackendError, match=r"the repository postgresql://\S*/redun cannot be reached"):
        PostgresBackend(Server(uri, uri.partition("?")[0]), retries=5, backoff=1000).load()


def test_an_option_that_libpq_does_not_know_is_named(database: Database) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        PostgresBackend(Server("postgresql:///x?nonsense=1", "x")).load()


def test_a_database_that_cannot_hold_every_text_is_refused(postgres_uri_of: Callable[[str], str]) -> None:
    latin = make_database(postgres_uri_of, "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        assert "encoding LATIN1" in refused(latin.server, automigrate=True)
    finally:
        drop_database(postgres_uri_of, latin)


@pytest.fixture
def reader(repository: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A user who may only read."""
    name = f"reader_{repository.name}"
    with repository.connect() as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'let me in'")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    monkeypatch.setenv("READER", name)
    monkeypatch.setenv("READER_PASSWORD", "let me in")
    yield replace(repository.server, username_env="READER", password_env="READER_PASSWORD")
    with repository.connect() as connection:
        connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_who_may_only_read_asks_questions_and_starts_no_run(reader: Server, backend: PostgresBackend) -> None:
    backend.record(Story().begin().take())
    assert "cannot be written" in refused(reader)
    reading = PostgresBackend(reader)
    reading.load_for_questions()
    assert len(reading.executions(limit=5)) == 1
    with pytest.raises(BackendError, match="lacks a right"):
        reading.record(Story().begin().take())
    reading.close()


def test_a_server_that_only_reads_is_refused_for_a_run(repository: Database) -> None:
    uri = f"{repository.server.uri}&options=-cdefault_transaction_read_only%3Don"
    assert "cannot be written" in refused(replace(repository.server, uri=uri))


def test_a_secret_says_where_the_database_is_and_how_to_log_in(
    repository: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = repository.server.parameters()["host"]
    secret = {"engine": "postgres", "username": USER, "password": PASSWORD, "host": host, "dbname": repository.name}
    if "/" in host:
        secret["host"] = host.replace("/", "%2F")
    module = types.ModuleType("redun_test_secrets")
    asked = []

    @hookimpl
    def redun_resolve_secret(name: str, config: Any) -> dict[str, str]:
        asked.append((name, config["backend"]["db_aws_secret_name"]))
        return secret

    module.REDUN_PLUGIN_API = (1, 0)  # type: ignore[attr-defined]
    module.redun_resolve_secret = redun_resolve_secret  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delenv("REDUN_DB_USERNAME")
    monkeypatch.delenv("REDUN_DB_PASSWORD")
    with use_plugins(Plugins.load([Entry("s", module.__name__, Origin(name="d", version="1"))], disabled=frozenset())):
        backend = make_backend(types.SimpleNamespace(), db_aws_secret_name="mine")  # type: ignore[arg-type]
        backend.load()
        backend.record(Story().begin().take())
        backend.close()
        assert asked == [("mine", "mine")]
        del secret["password"]
        with pytest.raises(ConfigError, match="the secret lacks password"):
            make_backend(types.SimpleNamespace(), db_aws_secret_name="mine").load()  # type: ignore[arg-type]


def test_text_and_paths_that_postgresql_takes_ill_are_kept(backend: PostgresBackend) -> None:
    """Index entries end at 2,700 bytes, and text at NUL."""
    story = Story().begin()
    noise = "".join(hash_of(str(number)).hex() for number in range(150))
    for number, path in enumerate([noise, noise + "x", "a\0b", "lone \ud800", "é" * 1500]):
        story.value(f"file {number}", path=path, size=100)
    names = [hash_of(f"argument {number}").hex() for number in range(200)]
    story.job(1, story.call("f", "result", arguments=names))
    backend.record(story.take())
    for number, path in enumerate([noise, noise + "x", "a\0b", "lone \ud800", "é" * 1500]):
        assert [row.value_hash for row in backend.files(path)] == [hash_of(f"file {number}")]
    assert len(backend.jobs(story.execution_id)) == 1


def test_ids_are_compared_byte_by_byte_whatever_the_language_of_the_database(
    postgres_uri_of: Callable[[str], str],
) -> None:
    try:
        swiss = make_database(
            postgres_uri_of, "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-CH' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    except Exception as error:
        pytest.skip(f"this server knows no other language: {error}")
    backend = PostgresBackend(swiss.server, automigrate=True)
    try:
        backend.load()
        backend.record(Story().begin().take())
        assert [ref.id for ref in backend.find_ids("11111111")] == [Story().execution_id]
    finally:
        backend.close()
        drop_database(postgres_uri_of, swiss)


WITHOUT = """
import sys
sys.modules["psycopg"] = None
from pathlib import Path
from redun_backend_sql.factory import make_backend
make_backend(Path("."), db_uri="postgresql://host/db")
"""


def test_without_the_driver_what_to_install_is_said() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, env=os.environ)
    assert "ConfigError" in done.stderr
    assert "pip install redun-backend-sql[postgres]" in done.stderr


def test_closing_twice_and_using_a_closed_one(repository: Database) -> None:
    backend = PostgresBackend(repository.server)
    backend.load()
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="is not open"):
        backend.executions(limit=1)


def test_a_name_for_the_connection_is_given(backend: PostgresBackend, repository: Database) -> None:
    """Whoever looks at the server sees who is connected."""
    assert isinstance(backend._connection, PostgresConnection)
    pid = backend._connection.driver.info.backend_pid
    assert repository.rows(f"SELECT application_name FROM pg_stat_activity WHERE pid = {pid}") == [("redun",)]
