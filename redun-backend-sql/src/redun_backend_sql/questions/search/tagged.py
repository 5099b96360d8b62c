"""What has certain tags, and how often tags are used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from redun.backends.records import EntityKind
from redun.backends.search import TagCount
from sqlalchemy import ColumnElement, and_, func, select, text

from redun_backend_sql.questions.search.filters import in_pages, walk_down
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import tag
from redun_backend_sql.storable import storable_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redun.backends.search import TagFilter

    from redun_backend_sql.questions.search.filters import Ask

INDEXED = 64
"""Characters of a value that are in the index."""


class Tagged:
    """Answers through a function that runs a statement."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def entities(self, kind: EntityKind, wanted: Sequence[TagFilter]) -> Iterator[str]:
        """The ids of what has all of these tags, the most recently tagged first."""
        # A value leads to fewer rows than a key alone.
        first, *others = sorted(wanted, key=lambda each: each.any_value)
        seen: set[str] = set()
        for page in in_pages(self._with_tag(kind, first)):
            new = [each for each in dict.fromkeys(page) if each not in seen]
            seen.update(new)
            yield from self.keep(kind, new, others)

    def entities_between(self, kind: EntityKind, low: str, high: str, wanted: Sequence[TagFilter]) -> list[str]:
        """The ids between two texts of what has all of these tags."""
        # The keys are hidden from the planner, as in `_tags`.
        is_wanted = (tag.c.key + "").in_(sorted({each.key for each in wanted}))
        condition = and_(tag.c.entity_id > low, tag.c.entity_id < high, is_wanted)
        return [entity_id for entity_id, tags in self._tags(kind, condition).items() if _has_all(tags, wanted)]

    def keep(self, kind: EntityKind, entity_ids: Sequence[str], wanted: Sequence[TagFilter]) -> list[str]:
        """Those of these ids that have all of these tags."""
        if not wanted:
            return list(entity_ids)
        found: dict[str, set[tuple[str, str]]] = {}
        for chunk in chunks(list(entity_ids)):
            found.update(self._tags(kind, tag.c.entity_id.in_(chunk)))
        return [each for each in entity_ids if _has_all(found.get(each, set()), wanted)]

    def _tags(self, kind: EntityKind, which: ColumnElement[bool]) -> dict[str, set[tuple[str, str]]]:
        # Keys are compared here: with them in the statement, the planner may take the index by key, which for a common
        # key leads to everything that has ever been tagged.
        statement = select(tag.c.entity_id, tag.c.key, tag.c.value)
        found: dict[str, set[tuple[str, str]]] = {}
        for entity_id, key, value in self._ask(
            statement.where(which, tag.c.entity_kind == int(kind), tag.c.is_current == 1)
        ):
            found.setdefault(entity_id, set()).add((key, value))
        return found

    def counts(self, key: str | None) -> list[TagCount]:
        """See `Search.tag_counts`."""
        current = tag.c.is_current == 1
        if key is None:
            things = func.count(tag.c.entity_id.distinct())
            statement = select(tag.c.key, tag.c.entity_kind, things).where(current)
            rows = self._ask(statement.group_by(tag.c.key, tag.c.entity_kind))
            return [TagCount(name, None, EntityKind(kind), count) for name, kind, count in sorted(map(tuple, rows))]
        valued = select(tag.c.value, tag.c.entity_kind, func.count()).where(current, tag.c.key == key)
        rows = self._ask(valued.group_by(tag.c.value, tag.c.entity_kind))
        return [TagCount(key, json.loads(value), EntityKind(kind), count) for value, kind, count in sorted(rows)]

    def _with_tag(self, kind: EntityKind, wanted: TagFilter) -> Iterator[str]:
        statement = select(tag.c.id, tag.c.entity_id, tag.c.value).where(
            tag.c.entity_kind == int(kind), tag.c.is_current == 1
        )
        if wanted.any_value:
            for row in walk_down(self._ask, statement, tag.c.key, tag.c.id, of=(wanted.key,)):
                yield row.entity_id
            return
        value = storable_json(wanted.value)
        start = func.substr(tag.c.value, text("1"), text(str(INDEXED)))
        for row in walk_down(self._ask, statement, tag.c.key, start, tag.c.id, of=(wanted.key, value[:INDEXED])):
            if row.value == value:
                yield row.entity_id


def _has_all(tags: set[tuple[str, Any]], wanted: Sequence[TagFilter]) -> bool:
    return all(
        any(key == each.key for key, _ in tags) if each.any_value else (each.key, storable_json(each.value)) in tags
        for each in wanted
    )
