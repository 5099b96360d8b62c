"""Which executions a collection of garbage is to remove: those that fit everything that was asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redun.backends.records import EntityKind
from redun.backends.search import Kind, Query
from redun.provenance.search import make_search

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.records import ExecutionRecord, TagRecord
    from redun.backends.search import TagFilter


@dataclass(frozen=True, slots=True)
class Retention:
    """What to remove. What is empty or None asks for nothing."""

    execution_ids: tuple[str, ...] = ()
    """Full ids."""
    statuses: frozenset[str] = frozenset()
    """Names of statuses, among them LOST."""
    tags: tuple[TagFilter, ...] = ()
    """Of which an execution has to have all."""
    other_tags: tuple[TagFilter, ...] = ()
    """Of which it may have none."""
    older_than: float | None = None
    """Seconds since it was last heard of."""
    keep_last: int | None = None
    """How many stay of those that fit all else, newest first."""

    def __bool__(self) -> bool:
        asked = (self.execution_ids, self.statuses, self.tags, self.other_tags)
        return any(asked) or self.older_than is not None or self.keep_last is not None

    def select(self, backend: Backend) -> list[str]:
        """The ids of the executions to remove, newest first; none where nothing was asked for."""
        if not self:
            return []
        query = Query(execution_ids=self.execution_ids, execution_tags=self.tags)
        found: list[ExecutionRecord] = list(make_search(query, self.statuses).rows(backend, Kind.EXECUTION))
        if self.older_than is not None:
            before = time.time() - self.older_than
            found = [each for each in found if each.updated_time < before]
        if self.other_tags:
            tags = backend.tags(EntityKind.EXECUTION, [each.id for each in found])
            found = [each for each in found if not self._has_other(tags.get(each.id, []))]
        return [each.id for each in found[self.keep_last or 0 :]]

    def _has_other(self, tags: list[TagRecord]) -> bool:
        return any(
            tag.key == other.key and (other.any_value or tag.value == other.value)
            for tag in tags
            for other in self.other_tags
        )
