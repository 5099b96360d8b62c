"""What differs between two calls of a task: its code, its arguments, its context, its result. Told from records."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from redun.backends.records import EntityKind
from redun.provenance.handle_states import handle_state
from redun.provenance.places import HIDDEN, SHORT, places, text_difference
from redun.provenance.preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redun.backends.lineage import ValueLinks
    from redun.backends.records import CallRecord, StoredValue, TagRecord, TaskRecord


class Source(Protocol):
    """What has to be asked to compare calls: a backend, or what was read from one ahead of time."""

    def load_values(self, value_hashes: Sequence[bytes], /) -> dict[bytes, StoredValue]:
        """See `Backend.load_values`."""

    def value_links(self, value_hashes: Sequence[bytes], /) -> dict[bytes, ValueLinks]:
        """See `Backend.value_links`."""

    def task(self, task_hash: bytes, /) -> TaskRecord | None:
        """See `Backend.task`."""

    def tags(self, kind: EntityKind, entity_ids: Iterable[str], /) -> Mapping[str, list[TagRecord]]:
        """See `Backend.tags`."""


BESIDE_SOURCE = "redun.hashed"
"""Key of the tag that a version of a task has where more than its text is in its hash."""
_PACKED = "redun.PackedExpression"
"""What a sub-run is given: its bytes are of no use to people."""
_PREVIEW = 2000
_MOST_LINES = 200
_MOST_FILES = 20


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

    is_long: bool = False
    """Whether the details show better what differs than the values in one line."""
    is_directory: bool = False
    """Whether the path is that of a directory."""
    handle: str | None = None
    """The name of the handle, if both values are states of one."""


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
    return _change(backend, name, (before, after), backend.load_values(hashes), backend.value_links(hashes))


def _change(
    backend: Source,
    name: str,
    hashes: tuple[bytes | None, bytes | None],
    values: dict[bytes, StoredValue],
    links: dict[bytes, ValueLinks],
) -> ValueChange:
    before, after = hashes
    old, new = (None if each is None else preview(values.get(each), _PREVIEW) for each in hashes)
    shown = (name, before, after, _cut(old), _cut(new))
    if before is None or after is None:
        return ValueChange(*shown)
    files = _files_inside(backend, before, after)
    link_before, link_after = links.get(before), links.get(after)
    if link_before and link_after and link_before.path is not None and link_before.path == link_after.path:
        files.insert(0, FileChange(link_after.path or "", before, after))
        is_directory = is_file_set(link_before) or is_file_set(link_after)
        return ValueChange(*shown, _file_lines(files), link_after.path, tuple(files), is_directory=is_directory)
    states = [handle_state(values.get(each)) for each in (before, after)]
    handle = states[1].fullname if states[0] and states[1] and states[0].fullname == states[1].fullname else None
    details = () if handle else _details(name, values.get(before), values.get(after), old or "", new or "")
    lines = (*details, *_file_lines(files))
    return ValueChange(*shown, lines, None, tuple(files), is_long=bool(details), handle=handle)


def argument_changes(backend: Source, before: CallRecord, after: CallRecord) -> list[ValueChange]:
    """The arguments that differ between two calls, in the order of the later one, but handles after all others.

    A handle is left out where it differs only because each call is given a fork of its own.
    """
    old = {argument.name: argument.value_hash for argument in before.arguments}
    new = {argument.name: argument.value_hash for argument in after.arguments}
    pairs = {name: (old.get(name), new.get(name)) for name in dict.fromkeys([*new, *old])}
    pairs = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    hashes = [each for pair in pairs.values() for each in pair if each is not None]
    values, links = backend.load_values(hashes), backend.value_links(hashes)
    found = [
        _change(backend, name, pair, values, links)
        for name, pair in pairs.items()
        if not _are_forks_of_one(*(values.get(each or b"") for each in pair))
    ]
    return sorted(found, key=lambda change: change.handle is not None)


def _are_forks_of_one(before: StoredValue | None, after: StoredValue | None) -> bool:
    old, new = handle_state(before), handle_state(after)
    return old is not None and new is not None and old.fork_of is not None and old.fork_of == new.fork_of


def _details(name: str, before: StoredValue | None, after: StoredValue | None, old: str, new: str) -> Sequence[str]:
    """Where two values differ, if showing both in one line each does not say it.

    old, new: the values, shortened.
    """
    longest = max(len(old), len(new))
    if longest <= SHORT and old != new:
        return ()
    is_packed = before is not None and before.type_name == _PACKED
    is_shortened = longest >= _PREVIEW - 10 or "..." in old or "..." in new or is_packed
    found = places(before, after, name) if is_shortened or old == new else ()
    return found or (text_difference(old, new) if old != new else (f"{name}: {HIDDEN}",))


def _file_lines(files: Sequence[FileChange]) -> tuple[str, ...]:
    shown = [str(each) for each in files[:_MOST_FILES]]
    return (*shown, f"and {len(files) - _MOST_FILES} more files") if len(files) > _MOST_FILES else tuple(shown)


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
        note = _note_beside(backend, before, after)
    return CodeChange(old, new, lines, note)


def _note_beside(backend: Source, before: bytes, after: bytes) -> str:
    """What differs between two versions of a task with one source: as it was recorded with them, or a guess."""
    same = "the source of the task itself is the same"
    tags = backend.tags(EntityKind.TASK, [before.hex(), after.hex()])
    old, new = (_beside_source(tags.get(each.hex(), ())) for each in (before, after))
    found = [
        f"{what} {name} {_went_or_came(name, old.get(kind, {}), new.get(kind, {}))}"
        for kind, what in (("helpers", "its helper"), ("wraps", "the task that it wraps,"))
        for name in dict.fromkeys([*new.get(kind, {}), *old.get(kind, {})])
        if old.get(kind, {}).get(name) != new.get(kind, {}).get(name)
    ]
    if old.get("hash_includes") != new.get("hash_includes"):
        found.append("something in its hash_includes differs")
    if found:
        return f"{same}: {', and '.join(found)}"
    return (
        f"{same}: what differs is a function that it calls (hash_helpers), something in hash_includes, "
        "or a task that it wraps"
    )


def _beside_source(tags: Iterable[TagRecord]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for tag in tags:
        if tag.key == BESIDE_SOURCE and isinstance(tag.value, dict):
            found.update(tag.value)
    return found


def _went_or_came(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return "was edited" if name in old and name in new else "is used no more" if name in old else "is used now"


def source_diff(before: str, after: str) -> tuple[str, ...]:
    """A unified diff of two sources, without the names of files."""
    lines = difflib.unified_diff(before.rstrip().splitlines(), after.rstrip().splitlines(), lineterm="", n=3)
    found = [line for line in lines if not line.startswith(("---", "+++"))]
    if len(found) > _MOST_LINES:
        found[_MOST_LINES:] = [f"... and {len(found) - _MOST_LINES} more lines"]
    return tuple(found)


def is_file_set(link: ValueLinks) -> bool:
    """Whether a value is a directory or another set of files."""
    return "Dir" in link.type_name or "FileSet" in link.type_name


def _files_inside(backend: Source, before: bytes, after: bytes) -> list[FileChange]:
    """Of two values that hold files: those in another state, or in one of them only."""
    old, new = (_paths(backend, each) for each in (before, after))
    paths = dict.fromkeys([*new, *old])
    return [FileChange(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def _paths(backend: Source, value_hash: bytes) -> dict[str, bytes]:
    return {link.path: each for each, link in links_inside(backend, value_hash).items() if link.path is not None}


def links_inside(backend: Source, value_hash: bytes) -> dict[bytes, ValueLinks]:
    """The files and directories in a value, and the files in those directories."""
    link = backend.value_links([value_hash]).get(value_hash)
    if link is None or not link.children:
        return {}
    found = backend.value_links(link.children)
    inside = {each: found[each] for each in link.children if each in found}
    in_sets = [child for each in inside.values() if is_file_set(each) for child in each.children]
    return {**inside, **backend.value_links(in_sets)} if in_sets else inside


def _cut(text: str | None) -> str:
    if text is None:
        return "(none)"
    return text if len(text) <= SHORT else text[: SHORT - 3] + "..."
