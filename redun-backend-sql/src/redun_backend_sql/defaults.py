"""The defaults of the `[backend]` options: shared by the settings model and by code that must not import pydantic."""

from __future__ import annotations

DB_URI = "sqlite:///redun.db"
DB_USERNAME_ENV = "REDUN_DB_USERNAME"
DB_PASSWORD_ENV = "REDUN_DB_PASSWORD"  # noqa: S105 - the name of a variable, not a password
MAX_VALUE_SIZE = 1_000_000_000
LEAST_MAX_VALUE_SIZE = 1000
"""Room for an error with what is needed of its text."""
VALUE_STORE_MIN_SIZE = 1024
DB_RETRIES = 3
DB_RETRIES_BACKOFF = 1.0
DB_RETRIES_BACKOFF_MAX = 60.0
