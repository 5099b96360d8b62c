"""The repositories that questions are asked of: made once, by running workflows, and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from environments import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "tests" / "backend_sql"))

import postgres_server

HERE = Path(__file__).resolve().parent
DATABASES = ("sqlite", "postgres")
EDITIONS = ("1", "2")


@dataclass(frozen=True, slots=True)
class Kept:
    """A repository with a past, and what a process needs to open it."""

    database: str
    folder: Path
    environment: dict[str, str]

    def python(self, script: str, *arguments: str, **variables: str) -> str:
        """What one of the scripts beside this file prints, run beside the repository."""
        done = subprocess.run(
            [sys.executable, str(HERE / script), *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout


@contextmanager
def opened(databases: Sequence[str], folder: Path, size: int) -> Iterator[list[Kept]]:
    """The repositories in these databases, with the server running that they need; those that are missing are made."""
    with ExitStack() as stack:
        kept = []
        for database in databases:
            uri_of = stack.enter_context(_server()) if database == "postgres" else _sqlite_uri
            kept.append(_repository(database, uri_of, folder / f"{database}-{size}", size))
        yield kept


def _sqlite_uri(name: str) -> str:
    return f"sqlite:///{name}.db"


def _repository(database: str, uri_of: Callable[[str], str], folder: Path, size: int) -> Kept:
    name = f"past_{size}"
    environment = {name: text for name, text in os.environ.items() if not name.startswith("REDUN_")}
    environment |= {"REDUN_DB_USERNAME": postgres_server.USER, "REDUN_DB_PASSWORD": postgres_server.PASSWORD}
    kept = Kept(database, folder, environment)
    finished = folder / "finished"
    if finished.exists():
        return kept
    print(f"making {size:,} jobs in {folder}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / ".redun").mkdir(parents=True)
    (folder / ".redun" / "redun.ini").write_text(f"[backend]\ndb_uri = {uri_of(name)}\n")
    if database == "postgres":
        _administer(uri_of("postgres"), f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    for edition in EDITIONS:
        kept.python("make_past.py", str(folder), str(size), PAST_EDITION=edition)
    if database == "postgres":
        # What the server does by itself after a while.
        _administer(uri_of(name), "VACUUM ANALYZE")
    finished.touch()
    return kept


@contextmanager
def _server() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server that keeps its data. Says the `db_uri` of a database."""
    programs = postgres_server.find_programs()
    if programs is None:
        raise SystemExit(postgres_server.HOW_TO_GET)
    server = postgres_server.PostgresServer(programs, Path(tempfile.gettempdir()) / "redun-benchmark-postgres")
    if (server.folder / "data" / "postmaster.pid").exists():
        # Another benchmark has started it.
        yield server.uri
        return
    server.start()
    try:
        yield server.uri
    finally:
        server.stop()


def _administer(uri: str, *statements: str) -> None:
    with psycopg.connect(
        uri, user=postgres_server.USER, password=postgres_server.PASSWORD, autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement)
