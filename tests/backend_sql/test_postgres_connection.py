"""A connection that is lost: operations wait for the server, and are repeated."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from postgres_server import Database, PostgresServer, make_database
from redun import Scheduler, task
from redun.errors import BackendError
from redun.executors.inline import InlineExecutor
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.integrity import check_repository
from redun_backend_sql.postgres.backend import PostgresBackend
from redun_backend_sql.postgres.connection import PostgresConnection

redun_namespace = "test_postgres_connection"
QUICK: dict[str, Any] = {"retries": 200, "backoff": 0.05, "backoff_max": 0.05}
HOPELESS: dict[str, Any] = {"retries": 2, "backoff": 0.01}


@pytest.fixture
def own_database(own_server: PostgresServer) -> Database:
    """An empty repository on a server that may be stopped."""
    database = make_database(own_server.uri)
    backend = PostgresBackend(database.server, automigrate=True)
    backend.load()
    backend.close()
    return database


@pytest.fixture
def on_warning() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Has something done, in a thread, when a backend warns for the first time."""
    threads: list[threading.Thread] = []
    logger = logging.getLogger("redun.backend")
    handlers: list[logging.Handler] = []

    def on_warning(action: Callable[[], None]) -> None:
        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.levelno >= logging.WARNING and not threads:
                    threads.append(threading.Thread(target=action))
                    threads[0].start()

        handlers.append(Handler())
        logger.addHandler(handlers[-1])

    yield on_warning
    for handler in handlers:
        logger.removeHandler(handler)
    for thread in threads:
        thread.join(60)


def opened(database: Database, **options: Any) -> PostgresBackend:
    backend = PostgresBackend(database.server, **options)
    backend.load()
    return backend


def cut(backend: PostgresBackend, database: Database) -> None:
    """End the connection from the server's side."""
    assert isinstance(backend._connection, PostgresConnection)
    pid = backend._connection.driver.info.backend_pid
    with database.connect() as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            pass


def two_jobs() -> tuple[Story, Any]:
    story = Story().begin()
    call = story.call("f", "result".ljust(100, "."))
    story.job(1, call)
    return story, story.take()


def test_an_operation_whose_connection_was_cut_is_repeated_with_one_warning(
    backend: PostgresBackend, repository: Database, caplog: pytest.LogCaptureFixture
) -> None:
    story, batch = two_jobs()
    backend.record(batch)
    operations: list[Callable[[], Any]] = [
        lambda: backend.record(batch),
        lambda: backend.find_evaluations([hash_of("eval f")])[hash_of("eval f")].call_hash,
        lambda: backend.jobs(story.execution_id)[0].number,
        lambda: backend.extend_job(story.execution_id, 1),
        lambda: backend.roll_back([hash_of("state")]) == set(),
    ]
    for operation in operations:
        cut(backend, repository)
        caplog.clear()
        operation()
        (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert "was lost" in warning
        assert "trying again" in warning
    assert repository.rows("SELECT count(*) FROM job") == [(1,)]


def test_a_batch_whose_commit_was_cut_is_there_once(backend: PostgresBackend, repository: Database) -> None:
    """Whether the server has committed it or not is not known then."""
    story, batch = two_jobs()
    connection = backend._connection
    assert isinstance(connection, PostgresConnection)
    for moment in ("before", "after"):
        execute = connection.driver.execute

        def cutting(statement: Any, *args: Any, moment: str = moment, execute: Any = execute, **kwargs: Any) -> Any:
            if statement != "COMMIT":
                return execute(statement, *args, **kwargs)
            if moment == "after":
                execute(statement, *args, **kwargs)
            cut(backend, repository)
            return execute("SELECT 1")

        connection.driver.execute = cutting  # type: ignore[method-assign]
        backend.record(batch)
        connection = backend._connection
        assert isinstance(connection, PostgresConnection)
        assert len(backend.jobs(story.execution_id)) == 1
    assert repository.rows("SELECT count(*) FROM call") == [(1,)]


def test_an_error_of_the_operation_itself_is_not_repeated(
    backend: PostgresBackend, caplog: pytest.LogCaptureFixture
) -> None:
    story = Story()
    story.job(1)
    with pytest.raises(BackendError, match="was never recorded"):
        backend.record(story.take())
    assert caplog.records == []


def test_a_server_that_comes_back_is_waited_for(
    own_server: PostgresServer, own_database: Database, on_warning: Callable[..., None]
) -> None:
    backend = opened(own_database, **QUICK)
    story, batch = two_jobs()
    backend.record(batch)
    own_server.stop()
    on_warning(own_server.start)
    story.job(2, story.call("g", "other result"))
    backend.record(story.take())
    assert [job.number for job in backend.jobs(story.execution_id)] == [1, 2]
    backend.close()


@task
def work(x: int) -> list[int]:
    return [x] * 100


@task
def stop(server: Any, mode: str, parts: list[list[int]]) -> int:
    SERVERS[server].stop(mode)
    return sum(sum(part) for part in parts)


@task
def after(number: int) -> int:
    return number + 1


@task
def main(server: str, mode: str) -> Any:
    number = stop(server, mode, [work(i) for i in range(50)])
    return [after(number), [work(i) for i in range(100, 120)]]


SERVERS: dict[str, PostgresServer] = {}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_run_waits_for_a_server_that_is_started_again_and_completes(
    own_server: PostgresServer, own_database: Database, on_warning: Callable[..., None], mode: str
) -> None:
    SERVERS["own"] = own_server
    backend = opened(own_database, **QUICK)
    on_warning(own_server.start)
    expected = 100 * sum(range(50)) + 1
    result = Scheduler(backend=backend, executor=InlineExecutor("default")).run(main("own", mode))
    assert result[0] == expected
    (execution,) = backend.executions(limit=5)
    assert execution.status.name == "DONE"
    assert sum(count.count for count in backend.task_counts(execution.id)) == 73
    backend.close()
    assert list(check_repository(own_database.uri)) == []


def test_a_server_that_stays_away_ends_the_run_with_one_clear_error(
    own_server: PostgresServer, own_database: Database
) -> None:
    """And all that was recorded before is there, and used by the next run."""
    SERVERS["own"] = own_server
    backend = opened(own_database, **HOPELESS)
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    scheduler.run([work(i) for i in range(50)])
    with pytest.raises(BackendError, match=r"cannot be reached.*Tried again 2 times within 0.03 s") as ended:
        scheduler.run(main("own", "immediate"))
    assert "do not tell" not in str(ended.value)
    backend.close()
    own_server.start()
    assert list(check_repository(own_database.uri)) == []
    backend = opened(own_database, **HOPELESS)
    scheduler = Scheduler(backend=backend, executor=InlineExecutor("default"))
    scheduler.run([work(i) for i in range(50)])
    assert scheduler.job_counts()[work.fullname] == [0, 0, 0, 50, 0]
    backend.close()


def test_another_writer_is_waited_for_and_then_named(repository: Database) -> None:
    backend = opened(repository, lock_timeout=0.2)
    other = opened(repository)
    _, batch = two_jobs()
    assert isinstance(other._connection, PostgresConnection)
    with other._connection.transaction(), pytest.raises(BackendError, match="locked by another process"):
        backend.record(batch)
    backend.record(batch)
    backend.close()
    other.close()


def test_reading_does_not_wait_for_who_writes(repository: Database) -> None:
    backend = opened(repository, lock_timeout=0.2)
    other = opened(repository)
    story, batch = two_jobs()
    other.record(batch)
    assert isinstance(other._connection, PostgresConnection)
    with other._connection.transaction():
        assert backend.find_evaluations([hash_of("eval f")])
        assert backend.load_values([hash_of("result".ljust(100, "."))])
        assert len(backend.jobs(story.execution_id)) == 1
    backend.close()
    other.close()


def test_a_deadlock_with_another_program_is_repeated(backend: PostgresBackend, repository: Database) -> None:
    """Ours cannot have one; who locks our tables by hand may."""
    _, batch = two_jobs()
    connection = backend._connection
    assert isinstance(connection, PostgresConnection)
    execute, raised = connection.execute, []

    def refusing(statement: str, parameters: Any = (), /) -> Any:
        if not raised:
            raised.append(psycopg.errors.DeadlockDetected("deadlock detected"))
            raise raised[0]
        return execute(statement, parameters)

    connection.execute = refusing  # type: ignore[method-assign]
    backend.record(batch)
    assert raised
    assert repository.rows("SELECT count(*) FROM job") == [(1,)]
