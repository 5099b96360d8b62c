"""Runs migrations on a connection that is already open, without a configuration file."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from redun_backend_sql.questions.engine import driver_errors, make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config
    from alembic.script import Script
    from sqlalchemy import Connection as Bound

    from redun_backend_sql.run_path.driver import Connection


def run_migrations(connection: Connection, revision: str = "head") -> None:
    """Bring a database up to a revision, in one transaction: all of it, or nothing."""
    from alembic import command

    with _transaction(connection) as bound:
        command.upgrade(_config(bound), revision)


def undo_migrations(connection: Connection, revision: str) -> None:
    """Bring a database back to an earlier revision, in one transaction. What has no place there is lost."""
    from alembic import command

    with _transaction(connection) as bound:
        command.downgrade(_config(bound), revision)


def all_migrations() -> list[Script]:
    """Every migration there is, oldest first."""
    from alembic.script import ScriptDirectory

    return list(ScriptDirectory.from_config(_config(None)).walk_revisions())[::-1]


@contextmanager
def _transaction(connection: Connection) -> Iterator[Bound]:
    with driver_errors(), make_engine(connection).connect() as bound:
        # The driver is in autocommit mode, so this begins the transaction that the end of the block, or `commit`, ends.
        if bound.dialect.name == "sqlite":
            bound.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            from redun_backend_sql.postgres.connection import BEGIN

            for statement in BEGIN:
                bound.exec_driver_sql(statement)
        yield bound
        bound.commit()


def _config(bound: Bound | None) -> Config:
    from alembic.config import Config

    config = Config()
    # Alembic's configuration interpolates percent signs.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = bound
    return config
