"""Where a PostgreSQL database is, and how to log in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from redun.errors import ConfigError

from redun_backend_sql import defaults
from redun_backend_sql.uri import PostgresAddress, postgres_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONNECTION_DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "redun",
    # A server that has vanished from the network is noticed within a minute, not after the system's two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Options of libpq, where the URI does not give them."""


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a server, and the environment variables to log in with."""

    uri: str
    shown: str
    username_env: str = defaults.DB_USERNAME_ENV
    password_env: str = defaults.DB_PASSWORD_ENV
    find_secret: Callable[[], Mapping[str, str]] | None = None
    """Gives address and credentials in place of the above."""

    @classmethod
    def at(cls, address: PostgresAddress, **options: Any) -> Server:
        """The server of an address; options as the fields above."""
        return cls(address.uri, address.shown, **options)

    @property
    def name(self) -> str:
        """What messages call the repository."""
        return f"the repository {self.shown}"

    @property
    def how_to_log_in(self) -> str:
        """Where the credentials come from, in one sentence."""
        if self.find_secret is not None:
            return "The credentials came from db_aws_secret_name."
        return (
            f"The environment variables {self.username_env} and {self.password_env} hold the user name and the"
            " password; without them, those of libpq (PGUSER, PGPASSWORD, ~/.pgpass) count."
        )

    def parameters(self) -> dict[str, Any]:
        """What the driver needs to connect. This holds the password: it is never shown.

        Raises `ConfigError` for a URI or a secret that cannot be used.
        """
        secret = dict(self.find_secret()) if self.find_secret is not None else None
        uri = self.uri if secret is None else _uri_of(secret)
        try:
            given = conninfo_to_dict(uri)
        except psycopg.ProgrammingError as error:
            raise ConfigError(f"[backend] db_uri: {str(error).strip()}") from None
        environment = {"username": os.environ.get(self.username_env), "password": os.environ.get(self.password_env)}
        credentials = environment if secret is None else secret
        login = {"user": credentials.get("username"), "password": credentials.get("password")}
        return {**CONNECTION_DEFAULTS, **given, **{name: value for name, value in login.items() if value}}


def _uri_of(secret: Mapping[str, str]) -> str:
    engine = secret.get("engine", "postgres")
    if engine not in ("postgres", "postgresql"):
        raise ConfigError(f"[backend] db_aws_secret_name: the secret is for {engine!r}, and PostgreSQL is supported")
    missing = [name for name in ("host", "dbname", "username", "password") if not secret.get(name)]
    if missing:
        raise ConfigError(f"[backend] db_aws_secret_name: the secret lacks {', '.join(missing)}")
    port = secret.get("port", "5432")
    return postgres_address(f"postgresql://{secret['host']}:{port}/{secret['dbname']}").uri
