"""The part of the memory backend that knows which tags there are, and which there were."""

# ruff: noqa: D102 - the interface says what the methods promise

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from redun.backends.parts import Search, Synchronized
from redun.backends.records import TagRecord
from redun.backends.search import tag_text
from redun.backends.sync import TagRow

if TYPE_CHECKING:
    import threading
    from collections import defaultdict
    from collections.abc import Iterable

    from redun.backends.records import EntityKind


class MemoryTags(Search, Synchronized):
    """Answers from the dictionaries of `MemoryBackend`."""

    _lock: threading.RLock
    _tags: defaultdict[tuple[EntityKind, str], list[TagRecord]]
    _removed_tags: defaultdict[tuple[EntityKind, str], dict[tuple[str, str], int]]
    """How many times each tag, by its key and the text of its value, has been added and removed again."""

    def tags_since(self, position: int, limit: int = 5000) -> list[TagRow]:
        with self._lock:
            things = dict.fromkeys((*self._tags, *self._removed_tags))
            tags = [tag for kind, name in things for tag in self._history(kind, name)]
            return [TagRow(i, tag) for i, tag in enumerate(tags, 1)][position : position + limit]

    def tag_history(self, kind: EntityKind, entity_ids: Iterable[str]) -> dict[str, list[TagRecord]]:
        with self._lock:
            found = {name: self._history(kind, name) for name in dict.fromkeys(entity_ids)}
            return {name: tags for name, tags in found.items() if tags}

    def _history(self, kind: EntityKind, entity_id: str) -> list[TagRecord]:
        removed = dict(self._removed_tags.get((kind, entity_id), {}))
        tags = [
            tag._replace(edits=2 * removed.pop((tag.key, tag_text(tag.value)), 0) + 1)
            for tag in self._tags.get((kind, entity_id), ())
        ]
        gone = (TagRecord(kind, entity_id, key, json.loads(text), 2 * count) for (key, text), count in removed.items())
        return [*tags, *gone]

    def _record_tag(self, tag: TagRecord) -> None:
        """Add a tag, or bring it to where it is elsewhere."""
        thing = (tag.entity_kind, tag.entity_id)
        # By text: to Python, 1 and True are the same.
        name = (tag.key, tag_text(tag.value))
        there = [each for each in self._tags[thing] if (each.key, tag_text(each.value)) == name]
        if tag.edits is not None:
            removed = self._removed_tags[thing]
            if tag.edits <= 2 * removed.get(name, 0) + len(there):
                return
            if tag.edits > 1:
                removed[name] = tag.edits // 2
            if tag.edits % 2 == 0:
                self._tags[thing] = [each for each in self._tags[thing] if each not in there]
                return
        if not there:
            self._tags[thing].append(tag._replace(edits=None))
