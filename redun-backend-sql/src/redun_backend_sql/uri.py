"""What a `db_uri` means."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl

from redun.errors import ConfigError

POSTGRES_SCHEMES = ("postgresql", "postgres")
_CREDENTIALS = ("user", "password", "sslpassword")
"""What would log in, as an option of libpq."""


class PostgresAddress(NamedTuple):
    """Where a PostgreSQL database is. There is no secret in it."""

    uri: str
    """As libpq takes it."""
    shown: str
    """What messages call it: without options."""


def is_postgres(db_uri: str) -> bool:
    """Whether a URI names a PostgreSQL database."""
    scheme, separator, _ = db_uri.partition("://")
    return bool(separator) and scheme.partition("+")[0].lower() in POSTGRES_SCHEMES


def postgres_address(db_uri: str) -> PostgresAddress:
    """The database that a PostgreSQL URI names, such as `postgresql://host:5432/name?sslmode=require`.

    `postgres://` means the same, and so does `postgresql+psycopg2://`: the driver is always psycopg 3.

    Raises `ConfigError` for other URIs, and for one that holds a user name or a password. The message never repeats
    the URI.
    """
    problem = uri_problem(db_uri) or (None if is_postgres(db_uri) else _FORM)
    if problem is not None:
        raise ConfigError(f"[backend] db_uri: {problem}")
    rest = db_uri.partition("://")[2]
    return PostgresAddress(f"postgresql://{rest}", f"postgresql://{rest.partition('?')[0]}")


def sqlite_path(db_uri: str, config_dir: Path) -> Path | None:
    """The file that a SQLite URI names; None for a database in memory.

    `sqlite:///redun.db` is relative to the configuration directory and `sqlite:////data/redun.db` absolute. The older
    spelling `sqlite:///.redun/redun.db` means `redun.db` in the configuration directory, whatever that is called.

    Raises `ConfigError` for other URIs. The message never repeats the URI, which may hold a password.
    """
    problem = uri_problem(db_uri) or (_FORM if is_postgres(db_uri) else None)
    if problem is not None:
        raise ConfigError(f"[backend] db_uri: {problem}")
    name = db_uri.partition("://")[2][1:]
    if name in ("", ":memory:"):
        return None
    if name == ".redun/redun.db":
        name = "redun.db"
    return Path(config_dir, name).absolute()


_FORM = (
    "write sqlite:///<file> for a file relative to the configuration directory, sqlite:////<file> for an absolute one,"
    " and postgresql://<host>:<port>/<database> for a database server"
)


def uri_problem(db_uri: str) -> str | None:
    """Why this URI cannot be used, or None. The reason never repeats the URI."""
    scheme, separator, rest = db_uri.partition("://")
    if is_postgres(db_uri):
        return _postgres_problem(rest)
    problem = _password_problem(db_uri)
    if problem is not None:
        return problem
    if scheme.partition("+")[0].lower() != "sqlite" or not separator or (rest and not rest.startswith("/")):
        return _FORM
    if "?" in rest:
        return (
            "options after a question mark are not supported: write the file's name alone. A repository that this user"
            " may not write can be looked at as it is"
        )
    return None


def folder_problem(path: str) -> str | None:
    """Why a folder or URL must not be written into `redun.ini`, or None. The reason never repeats it."""
    _, separator, rest = path.partition("://")
    # A password may itself hold a slash or an at sign, so everything before the last at sign counts.
    user, at, _ = rest.rpartition("@")
    if not separator or not at or ":" not in user:
        return None
    return (
        "it holds a password, which would be shared with redun.ini, and logged. Leave name and password out: those of"
        " web and FTP servers belong into ~/.netrc, and object stores have places of their own"
    )


def _postgres_problem(rest: str) -> str | None:
    # A password may itself hold a slash, a question mark or an at sign, so an at sign anywhere counts.
    options = {name.lower() for name, _ in parse_qsl(rest.partition("?")[2], keep_blank_values=True)}
    if "@" not in rest and options.isdisjoint(_CREDENTIALS):
        return None
    return (
        "it holds a user name or a password, and redun.ini is easily shared by accident. Put them into the environment"
        " variables REDUN_DB_USERNAME and REDUN_DB_PASSWORD (db_username_env and db_password_env name other ones); an"
        " at sign that means something else is written %40"
    )


def _password_problem(db_uri: str) -> str | None:
    """Why this URI must not be used, if it holds a password: `redun.ini` is often kept under version control."""
    # A password may itself hold a slash or an at sign, so everything before the last at sign counts.
    user, at, _ = db_uri.partition("://")[2].rpartition("@")
    if not at or ":" not in user or user.startswith("/"):
        return None
    return (
        "it holds a password, and redun.ini is easily shared by accident. Put it into the environment variable"
        " REDUN_DB_PASSWORD (db_password_env names another one)"
    )
