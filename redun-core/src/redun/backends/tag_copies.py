"""Copies tags, and that they were removed.

A tag is there or not, and changes from one to the other each time that it is added or removed. Both sides count these
changes, and the higher number counts: so whoever has seen a tag removed takes it from those who have not, and it comes
back where somebody has added it again since, whatever the order of copies and whatever the clocks say.

Tags arrive with what they are attached to. What was changed later is found by its position: the target notes up to
where it has been given a source's changes. The note names the tag at that place, so that one which does not fit, as
after a source was restored from a backup, is not believed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from redun.backends.records import EntityKind, RecordBatch
from redun.backends.search import tag_text
from redun.hashing import hash_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.base import Backend
    from redun.backends.holders import Holder
    from redun.backends.parts import Synchronized
    from redun.backends.records import TagRecord
    from redun.backends.sync import TagRow


def copy_tags(source: Backend, target: Backend, *, is_complete: bool) -> int:
    """Send what the target does not know of the tags of what it has. How many tags these are.

    is_complete: whether the target has all that the source has; only then these tags need not be looked at again.
    """
    name = source.store_name()
    position = copied_tags(source, target)
    last: TagRow | None = None
    sent = 0
    while page := source.tags_since(position):
        new = _wanted(source, target, [row.tag for row in page])
        if new:
            target.record(RecordBatch(tags=new))
            sent += len(new)
        last = page[-1]
        position = last.position
    if name and last is not None and is_complete:
        target.note_sync_point(name, _note(last))
    return sent


def copied_tags(source: Backend, target: Backend) -> int:
    """The position up to which the target was given the source's changes of tags."""
    name = source.store_name()
    return _believed(source, target.sync_point(name)) if name else 0


def _note(row: TagRow) -> str:
    tag = row.tag
    content = json.dumps([int(tag.entity_kind), tag.entity_id, tag.key, tag.value], sort_keys=True)
    return f"{row.position} {hash_parts('tag', [content.encode()]).hex()}"


def _believed(source: Backend, note: str) -> int:
    """The position in a note; 0 if the source has something else there."""
    if not note:
        return 0
    position = int(note.partition(" ")[0])
    rows = source.tags_since(position - 1, limit=1)
    return position if rows and _note(rows[0]) == note else 0


def tags_to_tell(source: Synchronized, other: Holder, kind: EntityKind, entity_ids: Iterable[str]) -> list[TagRecord]:
    """What somebody else does not know of the tags of some things, which need not be there."""
    ours = source.tag_history(kind, entity_ids)
    return newer_tags([tag for tags in ours.values() for tag in tags], other) if ours else []


def newer_tags(tags: Sequence[TagRecord], other: Holder) -> list[TagRecord]:
    """Those of these tags that somebody else does not know, or knows as they were before."""
    by_kind: dict[EntityKind, list[TagRecord]] = {}
    for tag in tags:
        by_kind.setdefault(tag.entity_kind, []).append(tag)
    newer: list[TagRecord] = []
    for kind, of_kind in by_kind.items():
        theirs = other.tag_history(kind, {tag.entity_id for tag in of_kind})
        known = {_key(tag): tag.edits or 1 for of_one in theirs.values() for tag in of_one}
        newer += [tag for tag in of_kind if (tag.edits or 1) > known.get(_key(tag), 0)]
    return newer


def _key(tag: TagRecord) -> tuple[str, str, str]:
    # By text: to Python, 1 and True are the same.
    return tag.entity_id, tag.key, tag_text(tag.value)


def _wanted(source: Backend, target: Backend, tags: Iterable[TagRecord]) -> list[TagRecord]:
    """What the target does not know of tags like these, of what it has."""
    by_kind: dict[EntityKind, dict[str, None]] = {}
    for tag in tags:
        by_kind.setdefault(tag.entity_kind, {})[tag.entity_id] = None
    wanted: list[TagRecord] = []
    for kind, entity_ids in by_kind.items():
        new = tags_to_tell(source, target, kind, entity_ids)
        if new:
            entities = _present(target, kind, {tag.entity_id for tag in new})
            wanted += [tag for tag in new if tag.entity_id in entities]
    return wanted


def _present(target: Backend, kind: EntityKind, entity_ids: set[str]) -> set[str]:
    """Those of these things that the target has."""
    if kind is EntityKind.EXECUTION:
        return {state.id for state in target.execution_states(sorted(entity_ids))}
    if kind is EntityKind.JOB:
        return {each for each in entity_ids if _has_job(target, each)}
    hashes = [bytes.fromhex(each) for each in entity_ids]
    if kind is EntityKind.TASK:
        return {each.hex() for each in hashes if target.task(each) is not None}
    if kind is EntityKind.CALL:
        return {each.hex() for each in target.call_times(hashes)}
    return entity_ids - {each.hex() for each in target.missing_values(hashes)}


def _has_job(target: Backend, job_id: str) -> bool:
    execution_id, _, number = job_id.rpartition(".")
    return number.isdigit() and target.job(execution_id, int(number)) is not None
