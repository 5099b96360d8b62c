"""Questions about what came before a call, and about what a value holds."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from redun.backends.lineage import ValueLinks
from sqlalchemy import Select, bindparam, select

from redun_backend_sql.packing import unpack_hashes
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import execution, job, prefix, value, value_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.records import CallRecord

    from redun_backend_sql.questions.calls import CallQuestions
    from redun_backend_sql.questions.engine import Rows


class LineageQuestions:
    """Answers through a function that runs a statement."""

    def __init__(self, rows: Rows, calls: CallQuestions) -> None:
        self._rows = rows
        self._calls = calls

    def calls_of_evaluation(self, eval_hash: bytes, limit: int) -> list[CallRecord]:
        """See `Backend.calls_of_evaluation`."""
        return self._calls.of_evaluation(eval_hash, limit)

    def value_links(self, value_hashes: Sequence[bytes]) -> dict[bytes, ValueLinks]:
        """See `Backend.value_links`: what stands in the row of a call alone holds nothing."""
        wanted = set(value_hashes)
        found: dict[bytes, ValueLinks] = {}
        for chunk in chunks(list(wanted)):
            rows = self._rows(_links(), {"prefixes": [each[:8] for each in chunk]})
            for value_hash, type_name, path, children in rows:
                if value_hash in wanted:
                    found[value_hash] = ValueLinks(type_name, path, unpack_hashes(children))
        return found

    def options_hashes(self, execution_id: str, numbers: Sequence[int]) -> dict[int, bytes]:
        """See `Backend.options_hashes`."""
        owner = select(execution.c.id).where(execution.c.uuid == execution_id).scalar_subquery()
        found: dict[int, bytes] = {}
        for chunk in chunks(list(dict.fromkeys(numbers))):
            statement = select(job.c.number, job.c.options_hash).where(
                job.c.execution_id == owner, job.c.number.in_(chunk), job.c.options_hash.is_not(None)
            )
            found.update((number, options_hash) for number, options_hash in self._rows(statement))
        return found


@functools.cache
def _links() -> Select[Any]:
    return (
        select(value.c.hash, value_kind.c.type_name, value.c.path, value.c.children)
        .join_from(value, value_kind, value_kind.c.id == value.c.kind_id)
        .where(prefix(value.c.hash).in_(bindparam("prefixes", expanding=True)))
    )
