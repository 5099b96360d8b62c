"""Writes tags, and changes them: what is removed stays in its table, marked as no longer current."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from redun.backends.records import TagRecord
from redun.backends.search import TagChanges

from redun_backend_sql.run_path import statements as sql
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.storable import storable_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.search import TagEdit

    from redun_backend_sql.run_path.driver import Connection


class TagWriter:
    """Writes within the transaction of its caller."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, tags: Sequence[TagRecord]) -> None:
        """Add the tags that are not there."""
        rows = dict.fromkeys((int(tag.entity_kind), tag.entity_id, tag.key, storable_json(tag.value)) for tag in tags)
        for chunk in chunks(sorted({row[1] for row in rows})):
            statement = sql.with_list(sql.SELECT_KNOWN_TAGS, len(chunk))
            for known in self._connection.execute(statement, (1, *chunk)):
                rows.pop(known, None)
        self._connection.executemany(sql.INSERT_TAG, [(*row, 1) for row in rows])

    def edit(self, edits: Sequence[TagEdit]) -> TagChanges:
        """See `Search.edit_tags`."""
        changes = TagChanges([], [])
        for edit in edits:
            add = {(key, storable_json(value)): value for key, value in edit.add}
            remove = {(key, storable_json(value)) for key, value in edit.remove}
            thing = (int(edit.entity_kind), edit.entity_id)
            known = self._connection.execute(sql.SELECT_TAGS_OF, (*thing, 1)).fetchall()
            for number, key, text in known:
                if (key, text) in add:
                    del add[key, text]
                elif key in edit.remove_keys or (key, text) in remove:
                    self._connection.execute(sql.UPDATE_TAG, (0, number))
                    changes.removed.append(TagRecord(edit.entity_kind, edit.entity_id, key, json.loads(text)))
            self._connection.executemany(sql.INSERT_TAG, [(*thing, *each, 1) for each in add])
            changes.added.extend(TagRecord(edit.entity_kind, edit.entity_id, key, v) for (key, _), v in add.items())
        return changes
