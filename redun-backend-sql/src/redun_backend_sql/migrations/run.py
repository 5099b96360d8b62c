"""Runs migrations on a connection that is already open, without a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from redun_backend_sql.questions.engine import driver_errors, make_engine

if TYPE_CHECKING:
    import sqlite3


def run_migrations(connection: sqlite3.Connection, revision: str = "head") -> None:
    """Bring a database up to a revision, in one transaction: all of it, or nothing."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # Alembic's configuration interpolates percent signs.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with driver_errors(), make_engine(connection).connect() as bound:
        # The driver is in autocommit mode, so this begins the transaction that the end of the block, or `commit`, ends.
        bound.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = bound
        command.upgrade(config, revision)
        bound.commit()
