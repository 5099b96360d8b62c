"""Copies tags that were added to what the other side had already.

Tags arrive with what they are attached to. Those that were added later are found by their position: the target notes
up to where it has been given a source's tags. The note names the tag at that place, so that one which does not fit, as
after a source was restored from a backup, is not believed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from redun.backends.records import EntityKind, RecordBatch
from redun.hashing import hash_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redun.backends.base import Backend
    from redun.backends.records import TagRecord
    from redun.backends.sync import TagRow


def copy_tags(source: Backend, target: Backend, *, is_complete: bool) -> int:
    """Send the tags that the target lacks of what it has. How many these are.

    is_complete: whether the target has all that the source has; only then these tags need not be looked at again.
    """
    name = source.store_name()
    position = _believed(source, target.sync_point(name)) if name else 0
    last: TagRow | None = None
    sent = 0
    while page := source.tags_since(position):
        new = _wanted(target, [row.tag for row in page])
        if new:
            target.record(RecordBatch(tags=new))
            sent += len(new)
        last = page[-1]
        position = last.position
    if name and last is not None and is_complete:
        target.note_sync_point(name, _note(last))
    return sent


def _note(row: TagRow) -> str:
    kind, entity_id, key, value = row.tag
    content = json.dumps([int(kind), entity_id, key, value], sort_keys=True)
    return f"{row.position} {hash_parts('tag', [content.encode()]).hex()}"


def _believed(source: Backend, note: str) -> int:
    """The position in a note; 0 if the source has something else there."""
    if not note:
        return 0
    position = int(note.partition(" ")[0])
    rows = source.tags_since(position - 1, limit=1)
    return position if rows and _note(rows[0]) == note else 0


def _wanted(target: Backend, tags: Iterable[TagRecord]) -> list[TagRecord]:
    """Those that the target lacks, of what it has."""
    by_kind: dict[EntityKind, list[TagRecord]] = {}
    for tag in tags:
        by_kind.setdefault(tag.entity_kind, []).append(tag)
    wanted: list[TagRecord] = []
    for kind, of_kind in by_kind.items():
        known = target.tags(kind, {tag.entity_id for tag in of_kind})
        new = [tag for tag in of_kind if tag not in known.get(tag.entity_id, ())]
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
