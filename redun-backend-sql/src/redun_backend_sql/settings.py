"""The `[backend]` section for repositories in SQL databases."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from redun_backend_sql import defaults
from redun_backend_sql.uri import folder_problem, uri_problem


class SqlSettings(BaseModel):
    """Keeps results and provenance in a SQLite file or a PostgreSQL database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    db_uri: str = Field(
        default=defaults.DB_URI,
        description="The database: `sqlite:///<file>`, relative to the configuration directory, `sqlite:////<file>`, or"
        " `postgresql://<host>:<port>/<database>`, with options of libpq such as `?sslmode=require`. It must not hold a"
        " user name or a password.",
    )
    automigrate: bool | None = Field(
        default=None,
        description="Bring the database to the latest schema before use. The default is true for a SQLite file, and"
        " false for a database server.",
    )
    max_value_size: int = Field(
        default=defaults.MAX_VALUE_SIZE,
        ge=defaults.LEAST_MAX_VALUE_SIZE,
        description="The most bytes that one stored value may have. The text of an error is cut where it has more.",
    )
    db_username_env: str = Field(
        default=defaults.DB_USERNAME_ENV, description="The environment variable that holds the name to log in with."
    )
    db_password_env: str = Field(
        default=defaults.DB_PASSWORD_ENV, description="The environment variable that holds the password to log in with."
    )
    db_aws_secret_name: str | None = Field(
        default=None,
        description="The AWS secret that says where the database is and how to log in, instead of `db_uri`.",
    )
    value_store_path: str | None = Field(
        default=None,
        description="Where large values are kept instead of in the database: a folder, relative to the configuration"
        " directory, or a URL of any filesystem.",
    )
    value_store_min_size: int = Field(
        default=defaults.VALUE_STORE_MIN_SIZE,
        ge=0,
        description="Bytes from which a value goes to the value store, where there is one.",
    )
    db_retries: int = Field(
        default=defaults.DB_RETRIES,
        ge=0,
        description="How often an operation is tried again when the connection to a database server is lost.",
    )
    db_retries_backoff: float = Field(
        default=defaults.DB_RETRIES_BACKOFF,
        ge=0,
        description="Seconds before the first of these; twice as long before each following one.",
    )
    db_retries_backoff_max: float = Field(
        default=defaults.DB_RETRIES_BACKOFF_MAX, ge=0, description="The most seconds between two of these."
    )

    @field_validator("db_uri")
    @classmethod
    def _can_be_used(cls, db_uri: str) -> str:
        problem = uri_problem(db_uri)
        if problem is not None:
            raise ValueError(problem)
        return db_uri

    @field_validator("value_store_path")
    @classmethod
    def _leads_somewhere(cls, path: str | None) -> str | None:
        problem = folder_problem(path or "")
        if problem is not None:
            raise ValueError(problem)
        if path and "://" in path:
            from redun.file.filesystem import get_filesystem
            from redun.plugins.connect import connect_filesystems

            connect_filesystems()
            try:
                get_filesystem(path)
            except OSError as error:
                raise ValueError(str(error)) from error
        return path
