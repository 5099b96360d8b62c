"""Files of records: nothing is lost on the way, and nothing is believed that can be checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redun import File, Handle, Scheduler, task
from redun.backends.copying import collect_records
from redun.backends.exchange import ExchangeError, read_lines, write_lines
from redun.backends.imports import import_records
from redun.backends.memory import MemoryBackend
from redun.backends.records import (
    EntityKind,
    HandleEdge,
    HandleRecord,
    HandleStep,
    RecordBatch,
    Status,
    TagRecord,
    ValueRecord,
)
from redun.errors import BackendError, RedunError
from redun.executors.inline import InlineExecutor
from redun.hashing import hash_data
from redun.testing.backend_records import Story, hash_of
from redun.value import encode

redun_namespace = "test_exchange"


@task
def increment(x: int) -> int:
    return x + 1


class Armed:
    """Takes note when it is unpickled."""

    fired = 0

    def __reduce__(self) -> Any:
        return Armed.fire, ()

    @staticmethod
    def fire() -> int:
        Armed.fired += 1
        return 0


@task
def armed(x: int) -> Any:
    return [Armed(), x]


@task
def fail(x: int) -> int:
    raise ValueError(x)


@task(tags=[("kind", "all")])
def main(path: str, handle: Handle) -> Any:
    File(path).write("text")
    return [increment(increment(1)), armed(2), File(path), ["x" * 100], "\udce9 ä"]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A file of records that runs have left, one of them failed."""
    source = MemoryBackend()
    scheduler = Scheduler(backend=source)
    scheduler.add_executor(InlineExecutor("default"))
    scheduler.load()
    path = tmp_path_factory.mktemp("files") / "file.txt"
    scheduler.run(main(str(path), Handle("db")))
    with pytest.raises(ValueError, match="3"):
        scheduler.run([increment(fail(3))])
    Armed.fired = 0
    return exported(source)


def exported(source: MemoryBackend) -> list[bytes]:
    return [line.encode() for line in write_lines(collect_records(source))]


def imported(lines: list[bytes]) -> MemoryBackend:
    target = MemoryBackend()
    import_records(read_lines(lines, "file"), target, "file")
    return target


def test_what_is_written_is_read_as_it_was():
    story = Story().begin()
    odd = b"caf\xe9".decode(errors="surrogateescape") + "\n\x00\"'\N{GRINNING FACE}"
    call = story.call("f", "r", arguments=["a", "b"], upstream=[hash_of("u")], context=hash_of("c"), is_error=True)
    story.evaluation("open", "raw")
    story.job(1, call, parent=None)
    story.job(2, parent=1)
    batch = story.take()
    batch.executions = [story.execution()._replace(args=("redun", odd), scheduler_id=odd, start_time=1.1)]
    batch.values.append(ValueRecord(hash_of("v"), "a.B", "pickle", bytes(range(256)), (hash_of("a"),), odd))
    batch.tags.append(TagRecord(EntityKind.JOB, odd, odd, {"x": [1.5, None, True, odd]}, 4))
    batch.handles.append(HandleRecord(hash_of("h"), odd, odd, is_valid=True))
    batch.handle_edges.append(HandleEdge(hash_of("h"), hash_of("i"), HandleStep.MERGE))
    lines = [line.encode() for line in write_lines([batch])]
    assert all(line.endswith(b"\n") and line.isascii() for line in lines)
    (read,) = read_lines(lines, "file")
    assert read.batch == batch


def test_a_file_holds_what_the_repository_held(lines: list[bytes]):
    target = imported(lines)
    assert exported(target)[-1] == lines[-1]
    assert imported(exported(target)).executions(limit=5) == target.executions(limit=5)
    assert Armed.fired == 0


def test_importing_a_file_again_adds_nothing(lines: list[bytes]):
    target = imported(lines)
    assert import_records(read_lines(lines, "file"), target, "file").total() == 0


def test_importing_jobs_that_never_ended_again_adds_nothing(lines: list[bytes]):
    source = imported(lines)
    running = Story().begin()
    batch = running.take()
    task_hash = source.tasks_named("increment")[0].hash
    jobs = [running.job(number)._replace(task_hash=task_hash) for number in range(1, 8)]
    source.record(RecordBatch(executions=batch.executions, jobs=jobs))
    target = imported(exported(source))
    assert import_records(read_lines(exported(source), "file"), target, "file").total() == 0
    assert [job.status for job in target.jobs(running.execution_id)] == [Status.RUNNING] * 7


def test_a_run_finds_imported_results_in_the_cache(lines: list[bytes]):
    scheduler = Scheduler(backend=imported(lines))
    scheduler.add_executor(InlineExecutor("default"))
    scheduler.load()
    assert scheduler.run(increment(increment(1))) == 3
    (execution, *_) = scheduler.backend.executions(limit=1)
    jobs = scheduler.backend.jobs(execution.id)
    assert [job.status.name for job in jobs if job.task_name == "test_exchange.increment"] == ["CACHED", "CACHED"]


@pytest.mark.parametrize("count", [0, 1, 2, 10, -1])
def test_a_file_that_was_cut_off_is_known_as_such(lines: list[bytes], count: int):
    cut = lines[:count]
    target = MemoryBackend()
    with pytest.raises(ExchangeError, match=f"after line {len(cut)}, before its end" if cut else "empty"):
        import_records(read_lines(cut, "file"), target, "file")
    before_last_batch = [line for line in cut if b'"type":"batch"' in line]
    assert bool(target.executions(limit=5)) == (len(before_last_batch) == sum(b'"batch"' in each for each in lines))


def test_a_line_that_was_cut_off_is_named(lines: list[bytes]):
    cut = [*lines[:4], lines[4][:-10]]
    with pytest.raises(ExchangeError, match=r"line 5: the file ends within this line"):
        imported(cut)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([b"PK\x03\x04\xff"], "line 1: this is no file"),
        ([b"[1, 2]\n"], "line 1: this is no file"),
        ([b'{"_version": 1, "_type": "Execution"}\n'], "line 1: this is no file"),
        ([b'{"format": "redun records", "version": 99}\n'], "version 99, this redun reads versions up to 1"),
        ([b"[" * 100_000], "line 1: this is no file"),
        ([b'{"format":"redun records","version":1}\n', b"nonsense\n"], "line 2: this is not JSON"),
        ([b'{"format":"redun records","version":1}\n', b"[1]\n"], "line 2: a JSON object is needed"),
        ([b'{"format":"redun records","version":1}\n', b'{"type":"cat"}\n'], "line 2: a line of type 'cat'"),
        ([b'{"format":"redun records","version":1}\n', b'{"type":["task"]}\n'], r"line 2: a line of type \['task'\]"),
        (
            [b'{"format":"redun records","version":1}\n', b'{"type":"batch","records":1}\n'],
            "line 2: records are missing",
        ),
        ([b'{"format":"redun records","version":1}\n', b'{"type":"end","records":1}\n'], "line 2: records are missing"),
    ],
)
def test_a_file_of_another_kind_is_refused(lines: list[bytes], message: str):
    with pytest.raises(ExchangeError, match=message):
        imported(lines)


def changed(lines: list[bytes], kind: str, change: Callable[[dict[str, Any]], object]) -> tuple[list[bytes], int]:
    """The lines with the first record of a kind changed, and its number. Of values the first that is plain data."""
    for i, line in enumerate(lines):
        fields = json.loads(line)
        if fields.get("type") == kind and fields.get("codec", "plain") == "plain":
            change(fields)
            return [*lines[:i], json.dumps(fields).encode() + b"\n", *lines[i + 1 :]], i + 1
    raise AssertionError(kind)


OTHER = hash_data("value", b"other").hex()
CHANGES: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "value, data": ("value", lambda f: f.update(data="aQUAAAA="), "its content has the hash"),
    "value, hash": ("value", lambda f: f.update(hash=OTHER), "its content has the hash|damaged|its pickle"),
    "value, no base64": ("value", lambda f: f.update(data="#"), "data = '#', which cannot be"),
    "value, children": ("value", lambda f: f.update(children=[OTHER]), "names the value .* which is neither"),
    "task set": ("task_set", lambda f: f.update(task_hashes=[OTHER]), "its members are not what its hash says"),
    "call, result": ("call", lambda f: f.update(value_hash=OTHER), "its hash is not that of its task"),
    "call, context": ("call", lambda f: f.update(context_hash=OTHER), "its hash is not that of its task"),
    "call, tasks below": ("call", lambda f: f.update(task_set_hash=OTHER), "its hash is not that of its task"),
    "call, task": ("call", lambda f: f.update(task_hash=OTHER), "the hash of its evaluation"),
    "call, raw result": ("call", lambda f: f.update(raw_hash=OTHER), "names the value .* which is neither"),
    "call, argument": ("call", lambda f: f.update(arguments=[["x", OTHER, []]]), "names the value .* which is neither"),
    "call, upstream": (
        "call",
        lambda f: f.update(arguments=[["x", f["value_hash"], [OTHER]]]),
        "names the call .* which is neither",
    ),
    "call, flag": ("call", lambda f: f.update(is_error=1), "is_error = 1, which cannot be"),
    "call, time": ("call", lambda f: f.update(time=float("nan")), "time = nan, which cannot be"),
    "call, field missing": ("call", lambda f: f.pop("children"), "without children"),
    "call, field more": ("call", lambda f: f.update(more=1), "more"),
    "evaluation": ("evaluation", lambda f: f.update(args_hash=OTHER), "the hash of its evaluation"),
    "job, number": ("job", lambda f: f.update(number=0), "number = 0, which cannot be"),
    "job, status": ("job", lambda f: f.update(status="DONE "), "status = 'DONE ', which cannot be"),
    "job, end": ("job", lambda f: f.update(end_time=None), "nothing says when"),
    "execution, id": ("execution", lambda f: f.update(id="x"), "id = 'x', which cannot be"),
    "tag, kind": ("tag", lambda f: f.update(entity_kind=5), "entity_kind = 5, which cannot be"),
    "handle": ("handle", lambda f: f.update(hash="00"), "hash = '00', which cannot be"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_fit_is_refused_with_its_line(lines: list[bytes], change: str):
    kind, do, message = CHANGES[change]
    wrong, number = changed(lines, kind, do)
    with pytest.raises(RedunError, match=rf"file, line {number}: .*({message})"):
        imported(wrong)
    assert Armed.fired == 0


@pytest.mark.parametrize(
    ("kind", "field", "message"),
    [
        ("job", "call_hash", "never recorded"),
        ("job", "execution_id", "never recorded"),
    ],
)
def test_what_the_repository_refuses_is_told_with_the_lines(lines: list[bytes], kind: str, field: str, message: str):
    other = "99999999-9999-4999-8999-999999999999" if field == "execution_id" else OTHER
    wrong, _ = changed(lines, kind, lambda fields: fields.update({field: other}))
    with pytest.raises(BackendError, match=rf"file, lines \d+ to \d+: .*{message}"):
        imported(wrong)


def test_a_value_larger_than_the_limit_is_refused(lines: list[bytes]):
    target = MemoryBackend()
    target.max_value_size = 50
    with pytest.raises(BackendError, match="max_value_size allows 50"):
        import_records(read_lines(lines, "file"), target, "file")


def test_damaged_plain_data_is_told_from_whole_data():
    value = encode(["text", 1])
    record = ValueRecord(value.hash, value.type_name, value.codec, value.data[:-1])
    lines = [line.encode() for line in write_lines([RecordBatch(values=[record])])]
    with pytest.raises(ExchangeError, match=f"line 2: value {value.hash.hex()}"):
        imported(lines)


@given(data=st.data())
def test_whatever_is_changed_in_a_file_its_message_has_a_line(lines: list[bytes], data: st.DataObject):
    """Bytes are changed, lines are left out, repeated and exchanged: never anything but our own error."""
    changed = list(lines)
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(changed) - 1))
        action = data.draw(st.sampled_from(["drop", "repeat", "swap", "byte", "cut"]))
        if action == "drop":
            del changed[i]
        elif action == "repeat":
            changed.insert(i, changed[i])
        elif action == "swap":
            changed[i], changed[0] = changed[0], changed[i]
        else:
            at = data.draw(st.integers(0, len(changed[i])))
            new = data.draw(st.binary(max_size=2)) if action == "byte" else b""
            changed[i] = changed[i][:at] + new + changed[i][at + 1 if action == "byte" else len(changed[i]) :]
        if not changed:
            return
    message = ""
    try:
        imported(changed)
    except RedunError as error:
        message = str(error)
    assert not message or "line" in message or "empty" in message
    assert Armed.fired == 0
