"""A repository as objects, as notebooks see it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redun.backends.parts import Lineage
from redun.backends.records import EntityKind, ExecutionRecord, JobRecord, RecordBatch, Status, TaskRecord
from redun.backends.search import TagEdit
from redun.errors import BackendError, InvalidValueError, UsageError
from redun.provenance import Repository

if TYPE_CHECKING:
    from provenance_bench import Bench

WORKFLOW = """
@task(tags=[("kind", "sum")])
def add(x, y):
    return x + y


@task
def save(number):
    file = File("number.txt")
    file.write(str(number))
    return [file, number]


@task
def main(n):
    return save(add(n, 1))
"""


def test_objects_lead_to_each_other(bench: Bench) -> None:
    bench.write(WORKFLOW)
    execution = bench.run("main", 1, tags=[("user", "ada")])
    assert execution.tags == [("user", "ada")]
    assert execution.status == "DONE"
    assert execution.task_counts() == {f"bench.{name}": {"DONE": 1} for name in ("add", "main", "save")}
    root = execution.root
    assert root is not None
    assert [job.task_name for job in execution.jobs()] == ["bench.main", "bench.add", "bench.save"]
    assert [job.id for job in root.children()] == [f"{execution.id}.2", f"{execution.id}.3"]
    save = bench.job("save")
    assert save.parent == root
    assert save.execution == execution
    assert save.duration is not None
    assert abs((datetime.now(UTC) - save.start_time).total_seconds()) < 600
    argument = save.arguments["number"]
    assert (argument.preview(), argument.load()) == ("2", 2)
    [source] = argument.sources()
    assert source.jobs() == [bench.job("add")]
    assert source.task == bench.job("add").task
    result = save.result
    assert result is not None
    [file] = result.files()
    assert file.path == "number.txt"
    assert file == bench.repository.file("number.txt")[0]
    assert {call.jobs()[0].task_name for call in file.producers()} == {"bench.main", "bench.save"}
    assert result.load()[0].path == "number.txt"


def test_versions_of_a_task_are_found_by_name(bench: Bench) -> None:
    bench.write(WORKFLOW)
    bench.run("main", 1)
    bench.edit("x + y", "y + x")
    bench.run("main", 1)
    new, old = bench.repository.tasks("bench.add")
    assert "y + x" in new.source
    assert new.versions() == [new, old]
    assert [job.execution.id for job in old.jobs()] == [bench.repository.execution("~2").id]
    assert new.tags == [("kind", "sum")]


def test_everything_is_found_as_on_the_command_line(bench: Bench) -> None:
    bench.write(WORKFLOW)
    execution = bench.run("main", 1)
    repository = bench.repository
    assert repository.find("-") == repository.find(execution.id[:8]) == execution
    assert repository.find("~1.2") == repository.job("~1.2") == bench.job("add")
    assert repository.job("-") == execution.root
    call = bench.job("add").call
    assert call is not None
    assert repository.call(call.id) == call
    assert repository.find(call.id) == bench.job("add")
    assert repository.find("bench.add") == [bench.job("add").task]
    assert repository.find("number.txt") == repository.file("number.txt")
    assert list(repository.executions(limit=5)) == [execution]
    for text, look in [("nothing", repository.find), ("number.txt", repository.job), ("~1.1", repository.execution)]:
        with pytest.raises(UsageError, match=text):
            look(text)
    with pytest.raises(UsageError, match="00" * 20):
        repository.call("00" * 20)


def test_a_value_that_is_not_there_says_so(bench: Bench) -> None:
    value = bench.repository.value("00" * 20)
    assert not value.is_stored
    assert (value.type_name, value.size, value.files()) == (None, None, [])
    assert value.preview() == "<not in the repository>"
    with pytest.raises(InvalidValueError, match="has no value"):
        value.load()


def test_jobs_of_a_page_load_their_calls_together(bench: Bench) -> None:
    bench.write("@task\ndef f(x):\n    return x\n\n\n@task\ndef main(n):\n    return [f(i) for i in range(n)]\n")
    bench.run("main", 300)
    asked: Counter[str] = Counter()

    class Counting:
        def __getattr__(self, name: str) -> object:
            asked[name] += 1
            return getattr(bench.backend, name)

    repository = Repository(Counting())  # type: ignore[arg-type]
    arguments = [tuple(job.arguments) for job in repository.execution("-").jobs()]
    assert Counter(arguments) == {("x",): 300, ("n",): 1}
    assert asked["calls"] <= 4
    assert asked["jobs"] <= 10


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_jobs_of_an_execution_are_a_data_frame(bench: Bench, library: str) -> None:
    pytest.importorskip(library)
    bench.write(WORKFLOW)
    bench.run("main", 1)
    execution = bench.run("main", 2)
    frame = getattr(execution, f"to_{library}")()
    assert len(frame) == 3
    assert list(frame["task"]) == ["bench.main", "bench.add", "bench.save"]
    assert list(frame["status"]) == ["DONE"] * 3
    assert list(frame["parent"])[1:] == [1, 1]
    assert frame["seconds"].min() >= 0


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_has_arguments_results_and_tags_where_asked(bench: Bench, library: str) -> None:
    pytest.importorskip(library)
    bench.write(WORKFLOW + "\n\n@task\ndef odd(a, b):\n    return [a, b]\n")
    execution = bench.run("main", 2)
    assert not [name for name in getattr(execution, f"to_{library}")().columns if "." in name or name == "result"]
    frame = getattr(execution, f"to_{library}")(arguments=True, results=True, tags=True)
    assert frame["argument.n"][0] == 2
    assert list(frame["argument.x"])[1] == 2
    assert [str(each) for each in frame["result"]][1] == "3"
    assert "number.txt" in str(list(frame["result"])[2])
    execution = bench.run("odd", 1.5, "text")
    [(a, b, result)] = [
        (frame["argument.a"][0], frame["argument.b"][0], frame["result"][0])
        for frame in [getattr(execution, f"to_{library}")(arguments=True, results=True)]
    ]
    assert (a, b, result) == (1.5, "text", "[1.5, 'text']")


def test_tags_of_jobs_are_columns(bench: Bench) -> None:
    pytest.importorskip("pandas")
    bench.write("@task(tags=[('lr', 1)])\ndef f(x):\n    return x\n\n\n@task\ndef main():\n    return f.options()(3)\n")
    execution = bench.run("main")
    job = bench.job("f")
    bench.backend.edit_tags([TagEdit(EntityKind.JOB, job.id, add=(("score", 0.5),))])
    frame = execution.to_pandas(tags=True)
    assert list(frame["tag.score"])[1] == 0.5
    assert [each.id for each in execution.jobs(tag="score=0.5")] == [job.id]


def test_executions_and_jobs_are_found_by_what_is_known_of_them(bench: Bench) -> None:
    bench.write(WORKFLOW + "\n\n@task\ndef fail():\n    return 1 / 0\n")
    first = bench.run("main", 1, tags=[("exp", "a"), ("user", "ada")])
    second = bench.run("main", 2, tags=[("exp", "b"), ("lr", 0.1)])
    third = bench.run("fail", tags=[("exp", "b"), ("user", "ada")])
    find = bench.repository.executions
    assert list(find(status="failed")) == [third]
    assert list(find(status=["done", "FAILED"], limit=2)) == [third, second]
    assert list(find(tag="exp=b")) == [third, second]
    assert list(find(tag={"exp": "b", "lr": 0.1})) == [second]
    assert list(find(tag=["exp", "user=ada"])) == list(find(user="ada")) == [third, first]
    assert list(find(task="add")) == list(find(task="bench.add")) == [second, first]
    assert list(find(since=second.start_time)) == [third, second]
    assert list(find(until=second.start_time, tag="exp")) == [second, first]
    assert list(find(since=timedelta(hours=1), status="DONE")) == [second, first]
    assert list(find(until=timedelta(hours=1))) == []
    assert [job.task_name for job in second.jobs(task="add")] == ["bench.add"]
    assert [job.task_name for job in second.jobs(task=["add", "save"])] == ["bench.save", "bench.add"]
    assert [job.task_name for job in third.jobs(status="FAILED")] == ["bench.fail"]
    assert list(third.jobs(status=("DONE", "CACHED"))) == []
    assert [job.number for job in second.jobs(limit=2)] == [1, 2]
    assert list(second.jobs(since=third.start_time)) == []
    for wrong in ({"status": "GOOD"}, {"tag": "=b"}, {"since": 3}):
        with pytest.raises(UsageError):
            list(find(**wrong))  # type: ignore[arg-type]


def test_a_lost_job_is_lost_wherever_it_is_counted(bench: Bench) -> None:
    pytest.importorskip("pandas")
    task = TaskRecord(b"t" * 20, "slow", "bench", None, "")
    gone = ExecutionRecord("7" * 36, ("run",), Status.RUNNING, 1.0, 1.0, None, "elsewhere:1:1")
    job = JobRecord(gone.id, 1, None, b"t" * 20, b"e" * 20, None, Status.RUNNING, 1.0, None, "default", 1)
    bench.backend.record(RecordBatch(tasks=[task], executions=[gone], jobs=[job]))
    execution = bench.repository.execution("-")
    assert execution.status == "LOST"
    assert execution.task_counts() == {"bench.slow": {"LOST": 1}}
    assert list(execution.to_pandas()["status"]) == ["LOST"]


def test_what_is_no_hash_and_no_path_is_said_to_be_none(bench: Bench) -> None:
    for ask in (bench.repository.value, bench.repository.call):
        for wrong in (3, None, "", "abcd", "xyz"):
            with pytest.raises(UsageError, match="is no hash of 40 hex digits"):
                ask(wrong)  # type: ignore[arg-type]
    for wrong in (3, None):
        with pytest.raises(UsageError, match="is no path"):
            bench.repository.file(wrong)  # type: ignore[arg-type]


def test_a_missing_library_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write(WORKFLOW)
    execution = bench.run("main", 1)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="pip install polars"):
        execution.to_polars()


@pytest.mark.standard
def test_a_repository_is_opened_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDUN_CONFIG", raising=False)
    with pytest.raises(UsageError, match=r"no repository: there is no .*redun.ini"):
        Repository.open()
    assert not list(tmp_path.iterdir())
    (tmp_path / "wf.py").write_text("from redun import task\n\n\n@task\ndef main():\n    return 7\n")
    command = [sys.executable, "-m", "redun", "run", "wf.py", "main"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    for place in (None, tmp_path / ".redun"):
        with Repository.open(place) as repository:
            result = repository.job("-").result
            assert result is not None
            assert result.load() == 7
    with pytest.raises(BackendError, match="it was closed"):
        repository.execution()


def test_a_backend_that_knows_nothing_of_the_past_says_so() -> None:
    lineage = Lineage()
    for ask in (
        lambda: lineage.calls_of_evaluation(b""),
        lambda: lineage.jobs_of_call_before(b"", "", 1),
        lambda: lineage.jobs_of_task_before(b"", "", 1),
        lambda: lineage.options_hashes("", []),
    ):
        with pytest.raises(BackendError, match="Lineage does not support this question: "):
            ask()
    assert lineage.value_links([b"anything"]) == {}
