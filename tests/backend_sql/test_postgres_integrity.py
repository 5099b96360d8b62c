"""The check of a repository in PostgreSQL: silent about one that is whole, and it sees every kind of damage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Database, drop_database, make_database
from redun.errors import BackendError, BackendVersionError
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.integrity.check import _find_problems
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.postgres.connection import PostgresConnection
from redun_backend_sql.postgres.reading import _Reading, open_repository, snapshot
from redun_backend_sql.revision import VERSION_TABLE
from repository_damage import DAMAGE
from whole_repository import fill


@pytest.fixture(scope="module")
def whole(postgres_uri_of: Any, template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A repository in which everything is that a run may leave."""
    database = make_database(postgres_uri_of, f'TEMPLATE "{template.name}"')
    folder = tmp_path_factory.mktemp("whole")
    backend = PostgresBackend(database.server)
    backend.load()
    fill(backend, folder)
    backend.close()
    yield database
    drop_database(postgres_uri_of, database)


def test_what_runs_leave_behind_is_whole(whole: Database) -> None:
    assert list(check_repository(whole.uri)) == []


def spelled_for_postgres(damage: str) -> str:
    damage = re.sub(r"x'([0-9a-fA-F]*)'", r"'\\x\1'::bytea", damage).replace("AS BLOB", "AS bytea")
    return damage.replace("zeroblob(20)", "'\\x" + "00" * 20 + "'::bytea")


OF_SQLITE = {"index", "text that is none", *(name for name in DAMAGE if name.endswith("of another type"))}


@pytest.mark.parametrize("name", [name for name in DAMAGE if name not in OF_SQLITE])
def test_damage_is_reported(whole: Database, name: str) -> None:
    damage, expected = DAMAGE[name]
    with whole.connect() as driver:
        # Within a transaction that is taken back: quicker than a copy of the database.
        driver.execute("BEGIN")
        driver.execute(spelled_for_postgres(damage))
        found = [str(problem) for problem in _find_problems(_Reading(driver))]
        driver.execute("ROLLBACK")
    assert any(expected in problem for problem in found), found


def test_it_writes_nothing_and_runs_may_write_meanwhile(whole: Database) -> None:
    with whole.connect() as driver, snapshot(PostgresConnection(driver)) as reading:
        assert reading.execute("SELECT count(*) FROM job").fetchone()[0] > 0
        with whole.connect() as writer:
            writer.execute("CREATE TABLE meanwhile (id int)")
            writer.execute("DROP TABLE meanwhile")
        with pytest.raises(Exception, match="read-only transaction"):
            driver.execute("DELETE FROM job")


def test_a_repository_that_cannot_be_checked_is_refused(database: Database, repository: Database) -> None:
    with pytest.raises(BackendVersionError, match="is empty"):
        list(check_repository(database.uri))
    with repository.connect() as driver:
        driver.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0077'")
    with pytest.raises(BackendVersionError, match="77"):
        list(check_repository(repository.uri))
    with pytest.raises(BackendError, match="cannot be reached"):
        open_repository("postgresql://127.0.0.1:1/x")


def test_both_kinds_of_repositories_are_found_by_their_names(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="there is no repository"):
        list(check_repository(str(tmp_path / "redun.db")))
