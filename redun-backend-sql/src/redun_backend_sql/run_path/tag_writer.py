"""Writes tags, and changes them: what is removed stays in its table, marked as no longer current.

The rows of a tag, and what they say together, are those of `redun_backend_sql.tag_rows`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from redun.backends.records import TagRecord

from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.storable import storable_json
from redun_backend_sql.tag_rows import MOST_REMOVALS, TagState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.search import TagChanges, TagEdit

    from redun_backend_sql.run_path.driver import Connection

_Name = tuple[int, str, str, str]
"""The kind and id of a thing, and the key and value of a tag."""


class TagWriter:
    """Writes within the transaction of its caller."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, tags: Sequence[TagRecord]) -> None:
        """Add the tags that are not there, and bring those that were copied to where they are elsewhere."""
        added = [tag for tag in tags if tag.edits is None]
        self._add(added)
        if len(added) < len(tags):
            self._merge([tag for tag in tags if tag.edits is not None])

    def _add(self, tags: Sequence[TagRecord]) -> None:
        rows = dict.fromkeys((int(tag.entity_kind), tag.entity_id, tag.key, storable_json(tag.value)) for tag in tags)
        for chunk in chunks(sorted({row[1] for row in rows})):
            statement = sql.with_list(sql.SELECT_KNOWN_TAGS, len(chunk))
            for known in self._connection.execute(statement, (1, *chunk)):
                rows.pop(known, None)
        self._connection.executemany(sql.INSERT_TAG, [(*row, 1) for row in rows])

    def _merge(self, tags: Sequence[TagRecord]) -> None:
        wanted: dict[_Name, int] = {}
        for tag in tags:
            name = (int(tag.entity_kind), tag.entity_id, tag.key, storable_json(tag.value))
            wanted[name] = max(wanted.get(name, 0), tag.edits or 1)
        states = self._states({name[1] for name in wanted})
        rows = []
        for name, edits in wanted.items():
            state = states.get(name, TagState())
            if edits <= state.edits:
                continue
            removals, is_there = divmod(edits, 2)
            if removals > state.removals:
                rows.append((*name, -min(removals, MOST_REMOVALS)))
            if is_there and state.current is None:
                rows.append((*name, 1))
            elif not is_there and state.current is not None:
                self._connection.execute(sql.UPDATE_TAG, (0, state.current))
        self._connection.executemany(sql.INSERT_TAG, rows)

    def edit(self, edits: Sequence[TagEdit]) -> TagChanges:
        """See `Search.edit_tags`."""
        from redun.backends.search import TagChanges

        changes = TagChanges([], [])
        for edit in edits:
            add = {(key, storable_json(value)): value for key, value in edit.add}
            remove = {(key, storable_json(value)) for key, value in edit.remove}
            thing = (int(edit.entity_kind), edit.entity_id)
            rows = []
            for (*owner, key, text), state in self._states([edit.entity_id]).items():
                if (*owner,) != thing or state.current is None:
                    continue
                if (key, text) in add:
                    del add[key, text]
                elif key in edit.remove_keys or (key, text) in remove:
                    self._connection.execute(sql.UPDATE_TAG, (0, state.current))
                    rows.append((*thing, key, text, -min(state.removals + 1, MOST_REMOVALS)))
                    changes.removed.append(TagRecord(edit.entity_kind, edit.entity_id, key, json.loads(text)))
            rows += [(*thing, *each, 1) for each in add]
            self._connection.executemany(sql.INSERT_TAG, rows)
            changes.added.extend(TagRecord(edit.entity_kind, edit.entity_id, key, v) for (key, _), v in add.items())
        return changes

    def _states(self, entity_ids: Iterable[str]) -> dict[_Name, TagState]:
        """Where all tags that some things have or had have come to."""
        states: dict[_Name, TagState] = {}
        for chunk in chunks(sorted(entity_ids)):
            rows = self._connection.execute(sql.with_list(sql.SELECT_TAG_ROWS, len(chunk)), tuple(chunk))
            for number, kind, entity_id, key, text, mark in sorted(rows):
                states.setdefault((kind, entity_id, key, text), TagState()).add(number, mark)
        return states
