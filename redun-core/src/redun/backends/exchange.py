"""Records as lines of JSON: the file that `redun export` writes and `redun import` reads.

The first line says what the file is; a line for each record follows. A line `batch` ends every group of records that
can be recorded once those before it are, and a line `end` the file, so that one which was cut off is known as such. The
format is written down in docs/sharing.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from redun.backends.records import (
    MOST_EDITS,
    Argument,
    CallRecord,
    EntityKind,
    EvaluationRecord,
    ExecutionRecord,
    HandleEdge,
    HandleRecord,
    HandleStep,
    JobRecord,
    RecordBatch,
    Status,
    TagRecord,
    TaskRecord,
    TaskSetRecord,
    ValueRecord,
)
from redun.errors import RedunError
from redun.hashing import HASH_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from enum import Enum

FORMAT = "redun records"
VERSION = 1


class ExchangeError(RedunError):
    """A file of records cannot be read."""


class Line(NamedTuple):
    """A record, and the line of the file that it stands in."""

    number: int
    record: Any


class ReadBatch(NamedTuple):
    """A group of records that are recorded together."""

    batch: RecordBatch
    lines: list[Line]


# -- writing ----------------------------------------------------------------------------------------------------------


def write_lines(batches: Iterable[RecordBatch]) -> Iterator[str]:
    """The lines of a file, each with its line feed."""
    yield _line({"format": FORMAT, "version": VERSION})
    total = 0
    for batch in batches:
        count = 0
        for kind, record_type in _TYPES.items():
            for record in getattr(batch, _LISTS[kind]):
                yield _line({"type": kind, **record_type.to_json(record)})
                count += 1
        if count:
            yield _line({"type": "batch", "records": count})
        total += count
    yield _line({"type": "end", "records": total})


def _line(fields: dict[str, Any]) -> str:
    return json.dumps(fields, separators=(",", ":")) + "\n"


# -- reading ----------------------------------------------------------------------------------------------------------


def read_lines(lines: Iterable[bytes], name: str) -> Iterator[ReadBatch]:
    """The batches in the lines of a file; what was read before an error may be recorded.

    name: what messages call the file.

    Raises `ExchangeError`, with the number of the line, for what is no such file, is damaged, or was cut off.
    """
    pending: list[Line] = []
    total = 0
    number = 0
    for number, text in enumerate(lines, 1):
        if number == 1:
            _check_header(text, name)
            continue
        fields = _parse(text, number, name)
        kind = fields.pop("type", None)
        if isinstance(kind, str) and kind in _TYPES:
            pending.append(Line(number, _record(kind, fields, number, name)))
            continue
        if kind == "batch" and fields.get("records") == len(pending):
            total += len(pending)
            yield _batch(pending)
            pending = []
            continue
        if kind == "end" and not pending and fields.get("records") == total:
            return
        what = (
            f"a line of type {kind!r}" if kind not in ("batch", "end") else f"records are missing before this {kind!r}"
        )
        raise ExchangeError(f"{name}, line {number}: {what}. The file is damaged, or of another version.")
    if not number:
        raise ExchangeError(f"{name} is empty: a file that `redun export` has written is needed.")
    raise ExchangeError(
        f"{name} ends after line {number}, before its end: it was cut off. "
        "Whole batches before that were imported; importing the whole file adds the rest."
    )


def _check_header(text: bytes, name: str) -> None:
    try:
        header = json.loads(text)
        version = header["version"] if header["format"] == FORMAT else None
    except (ValueError, TypeError, KeyError, RecursionError):
        version = None
    if not isinstance(version, int):
        raise ExchangeError(f"{name}, line 1: this is no file that `redun export` has written.")
    if version > VERSION:
        raise ExchangeError(
            f"{name}, line 1: the file has version {version}, this redun reads versions up to {VERSION}: upgrade it."
        )


def _parse(text: bytes, number: int, name: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not text.endswith(b"\n"):
            raise ExchangeError(
                f"{name}, line {number}: the file ends within this line: it was cut off. "
                "Whole batches before that were imported; importing the whole file adds the rest."
            ) from None
        raise ExchangeError(f"{name}, line {number}: this is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise ExchangeError(f"{name}, line {number}: a JSON object is needed, not a {type(fields).__name__}")
    return fields


def _record(kind: str, fields: dict[str, Any], number: int, name: str) -> Any:
    try:
        return _TYPES[kind].from_json(fields)
    except _WrongFieldError as error:
        raise ExchangeError(f"{name}, line {number}: a record of type {kind!r} with {error}") from None


def _batch(lines: list[Line]) -> ReadBatch:
    batch = RecordBatch()
    for line in lines:
        getattr(batch, _LIST_OF[type(line.record)]).append(line.record)
    return ReadBatch(batch, lines)


# -- fields -----------------------------------------------------------------------------------------------------------


class _WrongFieldError(Exception):
    pass


class _Field(NamedTuple):
    """How a field of a record is written, and read back; reading raises ValueError for anything else."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


class _RecordType:
    def __init__(self, cls: Any, **fields: _Field) -> None:
        self.cls = cls
        self._fields = fields
        assert tuple(fields) == cls._fields

    def to_json(self, record: Any) -> dict[str, Any]:
        return {name: field.write(value) for (name, field), value in zip(self._fields.items(), record, strict=True)}

    def from_json(self, fields: dict[str, Any]) -> Any:
        if fields.keys() != self._fields.keys():
            missing = ", ".join(sorted(self._fields.keys() - fields.keys()))
            raise _WrongFieldError(f"the fields {', '.join(fields)}" + (f", and without {missing}" if missing else ""))
        values = []
        for name, field in self._fields.items():
            try:
                values.append(field.read(fields[name]))
            except (ValueError, TypeError, OverflowError):
                raise _WrongFieldError(f"{name} = {_shown(fields[name])}, which cannot be") from None
        return self.cls(*values)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _checked(*types: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # Exactly: a boolean is no number here.
        if type(value) not in types:
            raise ValueError(value)
        return value

    return check


def _is_hash(text: Any) -> bytes:
    value = bytes.fromhex(_checked(str)(text))
    if len(value) != HASH_SIZE or len(text) != 2 * HASH_SIZE:
        raise ValueError(text)
    return value


def _maybe(field: _Field) -> _Field:
    return _Field(
        lambda value: None if value is None else field.write(value),
        lambda value: None if value is None else field.read(value),
    )


def _many(field: _Field) -> _Field:
    return _Field(
        lambda values: [field.write(value) for value in values],
        lambda values: tuple(field.read(value) for value in _checked(list)(values)),
    )


def _number(value: Any) -> float:
    number = float(_checked(int, float)(value))
    if not abs(number) < 1e15:  # also what is no number
        raise ValueError(value)
    return number


def _count(value: Any) -> int:
    count: int = _checked(int)(value)
    if not 0 <= count < 1 << 62:
        raise ValueError(value)
    return count


def _from_base64(value: Any) -> bytes:
    try:
        return base64.b64decode(_checked(str)(value), validate=True)
    except binascii.Error as error:
        raise ValueError(value) from error


def _uuid(value: Any) -> str:
    if str(UUID(_checked(str)(value))) != value:
        raise ValueError(value)
    return str(value)


def _job_number(value: Any) -> int:
    if _count(value) == 0:
        raise ValueError(value)
    return int(value)


def _edits_of_tag(value: Any) -> int:
    if not 0 < _count(value) <= MOST_EDITS:
        raise ValueError(value)
    return int(value)


def _member(enumeration: type[Enum]) -> _Field:
    members = enumeration.__members__

    def read(name: Any) -> Enum:
        if name not in members:
            raise ValueError(name)
        return members[name]

    return _Field(lambda member: member.name, read)


def _argument(value: Any) -> Argument:
    name, value_hash, upstream = _checked(list)(value)
    return Argument(_text.read(name), _hash.read(value_hash), _hashes.read(upstream))


_text = _Field(str, _checked(str))
_flag = _Field(bool, _checked(bool))
_time = _Field(float, _number)
_whole = _Field(int, _count)
_number_of_job = _Field(int, _job_number)
_edits = _Field(lambda edits: edits or 1, _edits_of_tag)
_id = _Field(str, _uuid)
_hash = _Field(bytes.hex, _is_hash)
_hashes = _many(_hash)
_context = _Field(bytes.hex, lambda text: b"" if text == "" else _is_hash(text))
_data = _Field(lambda data: base64.b64encode(data).decode(), _from_base64)
_status, _kind, _step = _member(Status), _member(EntityKind), _member(HandleStep)
_arguments = _many(_Field(lambda each: [each.name, each.value_hash.hex(), _hashes.write(each.upstream)], _argument))
_anything = _Field(lambda value: value, lambda value: value)


_TYPES: dict[str, _RecordType] = {
    "task": _RecordType(TaskRecord, hash=_hash, name=_text, namespace=_text, version=_maybe(_text), source=_text),
    "task_set": _RecordType(TaskSetRecord, hash=_hash, task_hashes=_hashes),
    "value": _RecordType(
        ValueRecord, hash=_hash, type_name=_text, codec=_text, data=_data, children=_hashes, path=_maybe(_text)
    ),
    "evaluation": _RecordType(
        EvaluationRecord, eval_hash=_hash, task_hash=_hash, args_hash=_hash, raw_hash=_hash, time=_time
    ),
    "call": _RecordType(
        CallRecord,
        call_hash=_hash,
        eval_hash=_hash,
        task_hash=_hash,
        args_hash=_hash,
        context_hash=_context,
        arguments=_arguments,
        raw_hash=_maybe(_hash),
        value_hash=_hash,
        is_error=_flag,
        children=_hashes,
        task_set_hash=_hash,
        time=_time,
    ),
    "execution": _RecordType(
        ExecutionRecord,
        id=_id,
        args=_many(_text),
        status=_status,
        start_time=_time,
        updated_time=_time,
        end_time=_maybe(_time),
        scheduler_id=_text,
    ),
    "job": _RecordType(
        JobRecord,
        execution_id=_id,
        number=_number_of_job,
        parent=_maybe(_number_of_job),
        task_hash=_hash,
        eval_hash=_hash,
        call_hash=_maybe(_hash),
        status=_status,
        start_time=_time,
        end_time=_maybe(_time),
        executor=_text,
        attempt=_whole,
        options_hash=_maybe(_hash),
    ),
    "tag": _RecordType(TagRecord, entity_kind=_kind, entity_id=_text, key=_text, value=_anything, edits=_edits),
    "handle": _RecordType(HandleRecord, hash=_hash, fullname=_text, key=_text, is_valid=_flag),
    "handle_edge": _RecordType(HandleEdge, parent=_hash, child=_hash, step=_step),
}
"""By the word that stands in the line, in the order in which a batch is written."""

_LISTS = {kind: f"{kind}s" for kind in _TYPES}
_LIST_OF = {record_type.cls: _LISTS[kind] for kind, record_type in _TYPES.items()}
