"""What differs between two calls of a task: its code, its arguments, its context, its result. Told from records."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from redun.provenance.preview import preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.lineage import ValueLinks
    from redun.backends.records import CallRecord, StoredValue, TaskRecord


class Source(Protocol):
    """What has to be asked to compare calls: a backend, or what was read from one ahead of time."""

    def load_values(self, value_hashes: Sequence[bytes], /) -> dict[bytes, StoredValue]:
        """See `Backend.load_values`."""

    def value_links(self, value_hashes: Sequence[bytes], /) -> dict[bytes, ValueLinks]:
        """See `Backend.value_links`."""

    def task(self, task_hash: bytes, /) -> TaskRecord | None:
        """See `Backend.task`."""


_PREVIEW = 2000
_SHORT = 80
_MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is in another state, or in one of two values only: then the other state is None."""

    path: str
    before_hash: bytes | None
    after_hash: bytes | None

    def __str__(self) -> str:
        if self.before_hash is None or self.after_hash is None:
            return f"{self.path}: {'only in the earlier one' if self.after_hash is None else 'not in the earlier one'}"
        return f"{self.path}: state {self.before_hash.hex()[:8]} became {self.after_hash.hex()[:8]}"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """Two values, of which either may be missing: an argument that was added, a result that there was not."""

    name: str
    before_hash: bytes | None
    after_hash: bytes | None
    before: str
    """The earlier value, shown in one line."""
    after: str
    details: tuple[str, ...] = ()
    """Lines that show where long values differ, and the states of files."""
    path: str | None = None
    """Where the file is, if both values are states of one file."""
    files: tuple[FileChange, ...] = ()
    """The files that the values are, or hold, as far as they differ."""

    @property
    def is_long(self) -> bool:
        """Whether the details show better what differs than the values in one line."""
        return any(line.startswith("- ") for line in self.details)


@dataclass(frozen=True, slots=True)
class CodeChange:
    """Two versions of a task."""

    before: TaskRecord | None
    after: TaskRecord | None
    lines: tuple[str, ...]
    """A unified diff of the sources; empty where they are the same."""
    note: str
    """What else may tell the versions apart; empty where the diff says it."""


def value_change(backend: Source, name: str, before: bytes | None, after: bytes | None) -> ValueChange:
    """Show how two values differ. Nothing that they bring along is run."""
    hashes = [each for each in (before, after) if each is not None]
    values = backend.load_values(hashes)
    links = backend.value_links(hashes)
    old, new = (None if each is None else preview(values.get(each), _PREVIEW) for each in (before, after))
    link_before, link_after = links.get(before or b""), links.get(after or b"")
    path = None
    files: Sequence[FileChange] = ()
    details: Sequence[str] = ()
    if link_before is not None and link_after is not None and link_before.path == link_after.path:
        path = link_before.path
    if before is not None and after is not None:
        if path is not None:
            files = (FileChange(path, before, after),)
        else:
            files = _files_inside(backend, before, after)
            if max(len(old or ""), len(new or "")) > _SHORT:
                details = _word_diff(old or "", new or "")
        details = [*details, *map(str, files)]
    return ValueChange(name, before, after, _cut(old), _cut(new), tuple(details), path, tuple(files))


def argument_changes(backend: Source, before: CallRecord, after: CallRecord) -> list[ValueChange]:
    """The arguments that differ between two calls, in the order of the later one."""
    old = {argument.name: argument.value_hash for argument in before.arguments}
    new = {argument.name: argument.value_hash for argument in after.arguments}
    names = [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]
    return [value_change(backend, name, old.get(name), new.get(name)) for name in names]


def code_change(backend: Source, before: bytes, after: bytes) -> CodeChange | None:
    """How two versions of a task differ; None for one and the same."""
    if before == after:
        return None
    old, new = backend.task(before), backend.task(after)
    if old is None or new is None:
        return CodeChange(old, new, (), "one of the versions is not in the repository")
    note = ""
    if old.version != new.version:
        note = f"version {old.version!r} became {new.version!r}"
    lines = source_diff(old.source, new.source)
    if not lines and not note:
        note = (
            "the source of the task itself is the same: what differs is a function that it calls (hash_helpers), "
            "something in hash_includes, or a task that it wraps"
        )
    return CodeChange(old, new, lines, note)


def source_diff(before: str, after: str) -> tuple[str, ...]:
    """A unified diff of two sources, without the names of files."""
    lines = difflib.unified_diff(before.rstrip().splitlines(), after.rstrip().splitlines(), lineterm="", n=3)
    found = [line for line in lines if not line.startswith(("---", "+++"))]
    if len(found) > _MOST_LINES:
        found[_MOST_LINES:] = [f"... and {len(found) - _MOST_LINES} more lines"]
    return tuple(found)


def _files_inside(backend: Source, before: bytes, after: bytes) -> list[FileChange]:
    """Of two values that hold files: those in another state, or in one of them only."""
    old, new = (_paths(backend, each) for each in (before, after))
    paths = dict.fromkeys([*new, *old])
    return [FileChange(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def _paths(backend: Source, value_hash: bytes) -> dict[str, bytes]:
    link = backend.value_links([value_hash]).get(value_hash)
    if link is None or not link.children:
        return {}
    inside = backend.value_links(link.children)
    return {path: each for each in link.children if each in inside and (path := inside[each].path) is not None}


def _word_diff(before: str, after: str) -> Sequence[str]:
    """The parts of two long texts that differ, with some of what stands around them."""
    start = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        start += 1
    end = 0
    for one, other in zip(reversed(before[start:]), reversed(after[start:]), strict=False):
        if one != other:
            break
        end += 1
    around = 20
    return [
        f"{sign} {_around(text, start - around, len(text) - end + around)}"
        for sign, text in (("-", before), ("+", after))
    ]


def _around(text: str, start: int, end: int) -> str:
    start, end = max(start, 0), min(end, len(text))
    shown = text[start:end] if end - start <= 3 * _SHORT else text[start : start + 3 * _SHORT] + "..."
    return f"{'...' if start else ''}{shown}{'...' if end < len(text) else ''}"


def _cut(text: str | None) -> str:
    if text is None:
        return "(none)"
    return text if len(text) <= _SHORT else text[: _SHORT - 3] + "..."
