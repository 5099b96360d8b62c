"""What a `db_uri` means."""

from __future__ import annotations

from pathlib import Path

from redun.errors import ConfigError

_PLANNED = ("postgresql", "postgres")


def sqlite_path(db_uri: str, config_dir: Path) -> Path | None:
    """The file that a SQLite URI names; None for a database in memory.

    `sqlite:///redun.db` is relative to the configuration directory and `sqlite:////data/redun.db` absolute. The older
    spelling `sqlite:///.redun/redun.db` means `redun.db` in the configuration directory, whatever that is called.

    Raises `ConfigError` for other URIs. The message never repeats the URI, which may hold a password.
    """
    problem = uri_problem(db_uri)
    if problem is not None:
        raise ConfigError(f"[backend] db_uri: {problem}")
    name = db_uri.partition("://")[2][1:]
    if name in ("", ":memory:"):
        return None
    if name == ".redun/redun.db":
        name = "redun.db"
    return Path(config_dir, name).absolute()


def uri_problem(db_uri: str) -> str | None:
    """Why this URI cannot be used, or None. The reason never repeats the URI."""
    scheme, separator, rest = db_uri.partition("://")
    scheme = scheme.partition("+")[0].lower()
    problem = _password_problem(db_uri)
    if problem is not None:
        return problem
    if scheme in _PLANNED:
        return f"{scheme} is not yet supported. Use a SQLite file: sqlite:///redun.db"
    if scheme != "sqlite" or not separator or (rest and not rest.startswith("/")):
        return (
            "write sqlite:///<file> for a file relative to the configuration directory, and sqlite:////<file> for an"
            " absolute one"
        )
    if "?" in rest:
        return (
            "options after a question mark are not supported: write the file's name alone. A repository that this user"
            " may not write can be looked at as it is"
        )
    return None


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
