"""Which backend serves a `[backend]` section."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from redun.errors import ConfigError

from redun_backend_sql import defaults
from redun_backend_sql.uri import is_postgres

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun_backend_sql.backend import SqlBackend
    from redun_backend_sql.value_store import ValueStore


def make_backend(config_dir: Path, **options: Any) -> SqlBackend:
    """The backend that a `[backend]` section describes; options as in `redun_backend_sql.settings`.

    Raises `ConfigError` for a database that is not supported.
    """
    # Each kind of database has its own driver, which only its users import.
    if options.get("db_aws_secret_name") or is_postgres(options.get("db_uri", defaults.DB_URI)):
        try:
            from redun_backend_sql.postgres.backend import make_postgres_backend
        except ImportError as error:
            raise ConfigError(
                f"[backend] db_uri: PostgreSQL needs the driver psycopg 3 ({error})."
                " Try: pip install redun-backend-sql[postgres]"
            ) from error
        return make_postgres_backend(_make_value_store(config_dir, options), **options)
    from redun_backend_sql.sqlite_backend import make_sqlite_backend

    return make_sqlite_backend(config_dir, _make_value_store(config_dir, options), **options)


def _make_value_store(config_dir: Path, options: Mapping[str, Any]) -> ValueStore | None:
    """The store for large values that a `[backend]` section describes, or None."""
    path = options.get("value_store_path")
    if not path:
        return None
    from redun_backend_sql.value_store import ValueStore

    if "://" not in path:
        path = str(Path(config_dir, path).absolute())
    return ValueStore(path, options.get("value_store_min_size", defaults.VALUE_STORE_MIN_SIZE))
