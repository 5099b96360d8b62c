"""What an id, a name or a path stands for in a repository."""

from __future__ import annotations

import pytest
from redun.backends.memory import MemoryBackend
from redun.errors import UsageError
from redun.provenance.find import (
    AmbiguousIdError,
    ExecutionFound,
    FileFound,
    JobFound,
    TaskFound,
    TaskNameFound,
    ValueFound,
    find,
)
from redun.testing.backend_records import Story
from redun.value import encode
from written_repository import EXEC_1, EXEC_2, two_executions


@pytest.fixture
def backend(tmp_path):
    return two_executions(tmp_path)


def test_executions_are_found_by_recency_id_and_prefix(backend):
    for text in ("-", "~1", EXEC_2, "aaaabbbb", "AAAAB"):
        assert find(backend, text) == ExecutionFound(EXEC_2)
    assert find(backend, "~2") == ExecutionFound(EXEC_1)


def test_jobs_are_found_by_execution_and_number(backend):
    for text in (f"{EXEC_1}.3", "aaaaaaaa.3", "~2.3"):
        found = find(backend, text)
        assert isinstance(found, JobFound)
        assert (found.job.execution_id, found.job.number) == (EXEC_1, 3)
    assert find(backend, "-.1").job.execution_id == EXEC_2
    with pytest.raises(UsageError, match="no job number 9"):
        find(backend, "aaaaaaaa.9")


def test_tasks_are_found_by_name_and_hash(backend):
    assert find(backend, "acme.inc") == TaskNameFound("acme.inc")
    assert find(backend, "inc") == TaskNameFound("inc")
    # The name wins over a prefix that looks the same.
    assert find(backend, "bad") == TaskNameFound("bad")
    task_hash = backend.tasks_named("acme.inc")[0].hash
    assert find(backend, task_hash.hex()[:12]) == TaskFound(task_hash)


def test_values_calls_and_files_are_found(backend, tmp_path, monkeypatch):
    value_hash = encode([2, "two"]).hash
    assert find(backend, value_hash.hex()[:10]) == ValueFound(value_hash)
    call_hash = backend.jobs(EXEC_1)[1].call_hash
    assert find(backend, call_hash.hex()).job.number == 2
    path = str(tmp_path / "data.txt")
    assert find(backend, path) == FileFound(path)
    monkeypatch.chdir(tmp_path)
    for spelling in ("data.txt", "./data.txt"):
        assert find(backend, spelling) == FileFound(path)


def recorded(*paths: str) -> MemoryBackend:
    """A repository of files, and of executions that begin alike."""
    backend = MemoryBackend()
    stories = [Story(i).begin() for i in ("daaaaaaa", "dbbbbbbb")]
    for path in paths:
        stories[0].value(f"file {path}", path=path)
    for story in stories:
        backend.record(story.take())
    return backend


@pytest.mark.parametrize("path", ["data/out.txt", "./data/out.txt", "project/data/out.txt", "{folder}/data/out.txt"])
@pytest.mark.parametrize(
    ("place", "spelling"),
    [
        (".", "data/out.txt"),
        (".", "../project/data/out.txt"),
        (".", "data/../data/out.txt"),
        ("data", "out.txt"),
        ("data", "../data/out.txt"),
        ("other", "../data/out.txt"),
    ],
)
def test_a_file_is_found_from_any_folder_however_it_is_spelled(tmp_path, monkeypatch, path, place, spelling):
    folder = tmp_path / "project"
    path = path.format(folder=folder)
    (folder / place).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder / place)
    assert find(recorded(path, "out.txt.gz"), spelling) == FileFound(path)


def test_a_file_that_is_named_like_several_ids_is_told_with_them():
    backend = recorded("d")
    with pytest.raises(AmbiguousIdError, match=r"(?s)daaaaaaa.*dbbbbbbb.*The file is meant by \./d$"):
        find(backend, "d")
    assert find(backend, "./d") == FileFound("d")


@pytest.mark.parametrize("thing", [None, 3, b"-"])
def test_what_is_no_text_is_a_usage_error(backend, thing):
    with pytest.raises(UsageError, match="is no id"):
        find(backend, thing)


def test_an_ambiguous_prefix_lists_what_it_may_mean(backend):
    with pytest.raises(AmbiguousIdError) as caught:
        find(backend, "aaaa")
    assert EXEC_1 in str(caught.value)
    assert EXEC_2 in str(caught.value)


@pytest.mark.parametrize("text", ["nothing", "ffffffffffff", "no/file", "aaaaaaaa.x", "~9", ""])
def test_what_names_nothing_is_a_usage_error(backend, text):
    with pytest.raises(UsageError):
        find(backend, text)


def test_an_empty_repository_says_so():
    with pytest.raises(UsageError, match="no executions"):
        find(MemoryBackend(), "-")
