"""The `[backend]` section: what `db_uri` means, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from redun.config import Config
from redun.config.build import make_backend as make_configured_backend
from redun.errors import ConfigError
from redun_backend_sql import defaults
from redun_backend_sql.factory import make_backend
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.settings import SqlSettings
from redun_backend_sql.uri import postgres_address, sqlite_path

FOLDER = Path("/config/.redun")


@pytest.mark.parametrize(
    ("db_uri", "path"),
    [
        ("sqlite:///redun.db", "/config/.redun/redun.db"),
        ("sqlite:///sub/redun.db", "/config/.redun/sub/redun.db"),
        ("sqlite:////data/redun.db", "/data/redun.db"),
        ("sqlite+pysqlite:///redun.db", "/config/.redun/redun.db"),
        ("sqlite:///.redun/redun.db", "/config/.redun/redun.db"),
        ("SQLite:///redun.db", "/config/.redun/redun.db"),
    ],
)
def test_a_sqlite_uri_names_a_file(db_uri: str, path: str):
    assert sqlite_path(db_uri, FOLDER) == Path(path)


@pytest.mark.parametrize("db_uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_sqlite_uri_without_a_file_is_a_database_in_memory(db_uri: str):
    assert sqlite_path(db_uri, FOLDER) is None


@pytest.mark.parametrize("db_uri", ["redun.db", "sqlite:redun.db", "sqlite://redun.db", "mysql://host/db", ""])
def test_other_uris_are_refused_with_the_right_form(db_uri: str):
    with pytest.raises(ConfigError, match="sqlite:///<file>"):
        sqlite_path(db_uri, FOLDER)


@pytest.mark.parametrize(
    ("db_uri", "uri", "shown"),
    [
        ("postgresql://host:5432/db", "postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgres://host/db", "postgresql://host/db", "postgresql://host/db"),
        ("postgresql+psycopg2://host/db", "postgresql://host/db", "postgresql://host/db"),
        (
            "PostgreSQL:///db?host=/run&sslmode=require",
            "postgresql:///db?host=/run&sslmode=require",
            "postgresql:///db",
        ),
    ],
)
def test_a_postgresql_uri_names_a_database(db_uri: str, uri: str, shown: str):
    assert postgres_address(db_uri) == (uri, shown)


@pytest.mark.parametrize("secret", ["secret", "sec@ret", "sec/ret", "s:e:c", "sec?ret"])
@pytest.mark.parametrize("form", ["me:{}@host/db", "{}@host/db", "host/db?password={}", "host/db?sslmode=x&user={}"])
def test_credentials_for_a_server_are_refused_without_repeating_them(secret: str, form: str):
    uri = f"postgresql://{form.format(secret)}"
    config = Config({"backend": {"db_uri": uri}}, configdir=str(FOLDER))
    for refuse in (lambda: postgres_address(uri), lambda: make_configured_backend(config)):
        with pytest.raises(ConfigError, match=r"REDUN_DB_USERNAME and REDUN_DB_PASSWORD") as refused:
            refuse()
        # The configuration is quoted, with its secrets masked.
        assert secret not in str(refused.value) or form.endswith("user={}")


@pytest.mark.parametrize("secret", ["secret", "sec@ret", "sec/ret", "s:e:c"])
def test_a_password_for_a_file_is_refused_without_repeating_it(secret: str):
    uri = f"sqlite://me:{secret}@host/db"
    with pytest.raises(ConfigError, match="REDUN_DB_PASSWORD") as refused:
        sqlite_path(uri, FOLDER)
    assert secret not in str(refused.value)
    config = Config({"backend": {"db_uri": uri}}, configdir=str(FOLDER))
    with pytest.raises(ConfigError, match="holds a password") as refused:
        make_configured_backend(config)
    assert secret not in str(refused.value)


def test_a_uri_of_the_other_kind_is_refused():
    with pytest.raises(ConfigError, match="sqlite:///<file>"):
        sqlite_path("postgresql://host/db", FOLDER)
    with pytest.raises(ConfigError, match="postgresql://<host>"):
        postgres_address("sqlite:///x.db")


def test_an_at_sign_in_a_path_is_no_password():
    assert sqlite_path("sqlite:///a:b@c/redun.db", FOLDER) == FOLDER / "a:b@c" / "redun.db"


@pytest.mark.parametrize("db_uri", ["sqlite:///a.db", "postgresql://host/db"])
def test_a_value_store_is_relative_to_the_configuration_or_has_a_scheme(tmp_path: Path, db_uri: str):
    for given, path in [("values", f"{tmp_path}/values"), ("/data/v/", "/data/v"), ("s3://bucket/v", "s3://bucket/v")]:
        store = make_backend(tmp_path, db_uri=db_uri, value_store_path=given, value_store_min_size=7).value_store
        assert store is not None
        assert (store.path, store.min_size) == (path, 7)
    assert make_backend(tmp_path, db_uri=db_uri).value_store is None


def test_the_options_reach_the_backend(tmp_path: Path):
    backend = make_backend(tmp_path, db_uri="sqlite:///a.db", max_value_size=10, automigrate=False)
    assert (backend.path, backend.max_value_size) == (tmp_path / "a.db", 10)
    assert make_backend(tmp_path).path == tmp_path / "redun.db"
    assert make_backend(tmp_path).max_value_size == defaults.MAX_VALUE_SIZE


def test_the_options_reach_the_backend_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    backend = make_backend(
        tmp_path,
        db_uri="postgres://host/db",
        db_retries=4,
        db_retries_backoff=2,
        db_retries_backoff_max=5,
        max_value_size=10,
        db_username_env="ME",
        db_password_env="WORD",
    )
    assert isinstance(backend, PostgresBackend)
    assert backend.max_value_size == 10
    assert backend._delays == [2, 4, 5, 5]
    monkeypatch.setenv("ME", "somebody")
    monkeypatch.setenv("WORD", "swordfish")
    assert backend.server.parameters().items() >= {"user": "somebody", "password": "swordfish", "host": "host"}.items()
    assert "swordfish" not in repr(backend.server)
    assert not backend._automigrate
    assert make_backend(tmp_path)._automigrate


def test_making_a_backend_touches_nothing(tmp_path: Path):
    make_backend(tmp_path / "not there")
    assert list(tmp_path.iterdir()) == []


def test_every_option_of_the_section_is_known():
    assert set(SqlSettings.model_fields) == {
        "db_uri",
        "automigrate",
        "max_value_size",
        "db_username_env",
        "db_password_env",
        "db_aws_secret_name",
        "value_store_path",
        "value_store_min_size",
        "db_retries",
        "db_retries_backoff",
        "db_retries_backoff_max",
    }
