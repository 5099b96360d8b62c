"""Finding values and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from redun.backends.records import EntityKind, FileRow
from redun.backends.search import ValueRow, is_type_named, path_pattern
from sqlalchemy import Select, select, tuple_

from redun_backend_sql.packing import STORED, argument_hashes, unpack_arguments, unpack_hashes
from redun_backend_sql.questions.search.filters import in_pages, page_sizes, walk_down
from redun_backend_sql.run_path.identities import chunks
from redun_backend_sql.schema import call, prefix, value, value_kind
from redun_backend_sql.storable import storable_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from redun.backends.records import StoredValue

    from redun_backend_sql.questions.search.filters import Ask, Filters
    from redun_backend_sql.questions.search.jobs import Jobs
    from redun_backend_sql.questions.search.tagged import Tagged

_LAST_CHARACTER = "\U0010ffff"


class _State(NamedTuple):
    """A state of a file."""

    path: str
    hash: bytes
    kind: tuple[str, str]


class Values:
    """Answers through functions that run a statement, and that load values."""

    def __init__(
        self, ask: Ask, load: Callable[[Sequence[bytes]], dict[bytes, StoredValue]], tagged: Tagged, jobs: Jobs
    ) -> None:
        self._ask = ask
        self._load = load
        self._tagged = tagged
        self._jobs = jobs

    def matching(self, filters: Filters) -> Iterator[ValueRow]:
        """See `Search.search_values`."""
        query = filters.query
        patterns = [path_pattern(storable_path(each)) for each in query.paths]
        for page in in_pages(self._candidates(filters)):
            rows = [
                row
                for row in page
                if (not query.value_types or is_type_named(row.type_name, query.value_types))
                and (not patterns or (row.path is not None and any(each.fullmatch(row.path) for each in patterns)))
            ]
            if query.tags:
                names = [row.hash.hex() for row in rows]
                tagged = set(self._tagged.keep(EntityKind.VALUE, names, query.tags))
                rows = [row for row in rows if row.hash.hex() in tagged]
            yield from rows

    def files(self, filters: Filters) -> Iterator[FileRow]:
        """See `Search.search_files`."""
        query = filters.query
        seen: set[str] = set()
        if query.names_jobs or query.tags:
            for row in self.matching(filters):
                if row.path is not None and row.path not in seen:
                    seen.add(row.path)
                    yield FileRow(row.path, row.hash, row.type_name)
            return
        kinds = self._kinds(query.value_types)
        for pattern in sorted(storable_path(each) for each in query.paths or ("*",)):
            for each in self._newest_states(pattern, kinds):
                if each.path not in seen:
                    seen.add(each.path)
                    yield each

    # -- where to look ------------------------------------------------------------------------------------------------

    def _candidates(self, filters: Filters) -> Iterator[ValueRow]:
        query = filters.query
        if query.names_jobs:
            return self._distinct(self._of_jobs(filters))
        if query.tags:
            return self._tagged_with(filters)
        if query.paths:
            return self._distinct(self._with_paths(query.paths))
        return self._distinct(self._newest_first(filters))

    @staticmethod
    def _distinct(rows: Iterable[ValueRow]) -> Iterator[ValueRow]:
        seen: set[bytes] = set()
        for row in rows:
            if row.hash not in seen:
                seen.add(row.hash)
                yield row

    def _tagged_with(self, filters: Filters) -> Iterator[ValueRow]:
        for page in in_pages(self._tagged.entities(EntityKind.VALUE, filters.query.tags)):
            rows, _ = self._rows([bytes.fromhex(each) for each in page])
            yield from rows

    def _with_paths(self, patterns: Sequence[str]) -> Iterator[ValueRow]:
        for pattern in patterns:
            for row in self._by_path(storable_path(pattern), self._kinds(())):
                yield ValueRow(row.hash, *row.kind, row.path)

    def _newest_first(self, filters: Filters) -> Iterator[ValueRow]:
        kinds = self._kinds(filters.query.value_types)
        if not kinds:
            return
        statement = select(value.c.id, value.c.hash, value.c.kind_id, value.c.path)
        if filters.query.value_types:
            statement = statement.where(value.c.kind_id.in_(sorted(kinds)))
        for row in walk_down(self._ask, statement, value.c.id):
            yield ValueRow(row.hash, *kinds[row.kind_id], row.path)
        yield from self._small(kinds)

    def _small(self, kinds: dict[int, tuple[str, str]]) -> Iterator[ValueRow]:
        """The small values, which stand in the rows of calls; some have a row of their own as well."""
        columns = (call.c.id, call.c.value_hash, call.c.kind_id, call.c.arguments)
        for page in in_pages(walk_down(self._ask, select(*columns).where(call.c.call_hash.is_not(None)), call.c.id)):
            found = {value_hash: kind for row in page for value_hash, kind in _small_values(row) if kind in kinds}
            yield from (ValueRow(value_hash, *kinds[kind], None) for value_hash, kind in found.items())

    def _of_jobs(self, filters: Filters) -> Iterator[ValueRow]:
        """What jobs took and returned, and the files, tasks and handles inside."""
        seen: set[int] = set()
        kinds = self._kinds(())
        for page in in_pages(self._jobs.matching(filters)):
            numbers = list(dict.fromkeys(each.call_id for each in page if each.call_id is not None))
            numbers = [number for number in numbers if number not in seen]
            seen.update(numbers)
            small: dict[bytes, int] = {}
            others: dict[bytes, None] = {}
            for row in self._calls(numbers):
                small.update(_small_values(row))
                others[row.value_hash] = None
                others.update((each, None) for each in argument_hashes(row.arguments))
            rows, children = self._rows([each for each in others if each not in small])
            yield from rows
            yield from (ValueRow(each, *kinds[kind], None) for each, kind in small.items())
            inside, _ = self._rows(list(dict.fromkeys(children)))
            yield from inside

    def _calls(self, numbers: Sequence[int]) -> Iterator[Any]:
        columns = (call.c.id, call.c.value_hash, call.c.kind_id, call.c.arguments)
        for chunk in chunks(numbers):
            rows = {row.id: row for row in self._ask(select(*columns).where(call.c.id.in_(chunk)))}
            yield from (rows[number] for number in chunk)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _kinds(self, names: Sequence[str]) -> dict[int, tuple[str, str]]:
        """The number, type and codec of each kind of value with one of these types, or of all."""
        rows = self._ask(select(value_kind.c.id, value_kind.c.type_name, value_kind.c.codec))
        return {
            number: (name, codec.removeprefix(STORED))
            for number, name, codec in rows
            if not names or is_type_named(name, names)
        }

    def _rows(self, hashes: Sequence[bytes]) -> tuple[list[ValueRow], list[bytes]]:
        """These values, in this order, and the hashes of what is inside of them."""
        kinds = self._kinds(())
        found: dict[bytes, ValueRow] = {}
        children: list[bytes] = []
        wanted = set(hashes)
        for chunk in chunks(hashes):
            statement = select(value.c.hash, value.c.kind_id, value.c.path, value.c.children)
            for row in self._ask(statement.where(prefix(value.c.hash).in_([each[:8] for each in chunk]))):
                if row.hash in wanted:
                    found[row.hash] = ValueRow(row.hash, *kinds[row.kind_id], row.path)
                    children += unpack_hashes(row.children)
        # What has no row of its own is small, so it costs little to load.
        rest = [each for each in hashes if each not in found]
        for each in self._load(rest).values() if rest else ():
            found[each.hash] = ValueRow(each.hash, each.type_name, each.codec, None)
        return [found[each] for each in hashes if each in found], children

    # -- files --------------------------------------------------------------------------------------------------------

    def _newest_states(self, pattern: str, kinds: dict[int, tuple[str, str]]) -> Iterator[FileRow]:
        last: _State | None = None
        for state in self._by_path(pattern, kinds):
            if last is not None and last.path != state.path:
                yield FileRow(last.path, last.hash, last.kind[0])
            last = state
        if last is not None:
            yield FileRow(last.path, last.hash, last.kind[0])

    def _by_path(self, pattern: str, kinds: dict[int, tuple[str, str]]) -> Iterator[_State]:
        """The states of the files that match a pattern, by path, and the newest one of each path last."""
        expression = path_pattern(pattern)
        start, star, _ = pattern.partition("*")
        columns = (value.c.path, value.c.id, value.c.hash, value.c.kind_id)
        statement: Select[Any] = select(*columns).where(
            value.c.path.between(start, start + _LAST_CHARACTER) if star else value.c.path == start
        )
        key = (value.c.path, value.c.id)
        last: Any = None
        for size in page_sizes():
            page = statement if last is None else statement.where(tuple_(*key) > tuple(last[:2]))
            rows = self._ask(page.order_by(*key).limit(size))
            for row in rows:
                if row.kind_id in kinds and expression.fullmatch(row.path):
                    yield _State(row.path, row.hash, kinds[row.kind_id])
            if len(rows) < size:
                return
            last = rows[-1]


def _small_values(row: Any) -> Iterator[tuple[bytes, int]]:
    """The hash and kind of each small value in the row of a call."""
    if row.kind_id is not None:
        yield row.value_hash, row.kind_id
    for argument in unpack_arguments(row.arguments, with_upstream=False):
        if argument.kind_id is not None:
            yield argument.value_hash, argument.kind_id
