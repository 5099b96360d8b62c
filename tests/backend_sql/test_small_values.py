"""Small values are found in the rows of calls, by the first bytes of their hashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redun.backends.records import Argument, ValueRecord
from redun.testing.backend_records import Story, hash_of
from redun_backend_sql.sqlite_backend import SqliteBackend

pytestmark = pytest.mark.timeout(60)
ALIKE = b"alike..."


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SqliteBackend]:
    backend = SqliteBackend(tmp_path / "redun.db")
    backend.load()
    yield backend
    backend.close()


@pytest.mark.parametrize("asked", [1, 3])
def test_values_whose_hashes_begin_alike_are_told_apart(backend: SqliteBackend, asked: int) -> None:
    """Whether calls returned or took them, and however many are asked for."""
    story = Story().begin()
    for number, ending in enumerate((b"returned", b"also returned", b"taken", b"also taken")):
        value = ValueRecord((ALIKE + ending).ljust(20), "suite.Value", "plain", ending)
        story.batch.values.append(value)
        call = story.call(f"f{number}", "result", arguments=["argument"])
        if b"returned" in ending:
            call = call._replace(value_hash=value.hash, raw_hash=value.hash)
        else:
            call = call._replace(arguments=(Argument("x0", value.hash),))
        story.batch.calls[-1] = call
        story.job(number + 1, call)
    backend.record(story.take())
    assert backend._connection is not None
    assert backend._connection.execute("SELECT count(*) FROM value").fetchone() == (0,)
    for ending in (b"returned", b"also returned", b"taken", b"also taken"):
        wanted = (ALIKE + ending).ljust(20)
        others = [hash_of("result"), (ALIKE + b"unknown").ljust(20)]
        found = backend.load_values([wanted, *others][:asked])
        assert found.pop(wanted).data == ending
        assert found.keys() <= {hash_of("result")}
