"""The statements of the run path as PostgreSQL takes them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_INSERT = re.compile(r"INSERT (?:OR (IGNORE|REPLACE) )?INTO (\w+) \(([\w, ]+)\) VALUES \(([?, ]+)\)(.*)", re.DOTALL)

_HEX = re.compile(r"lower\(hex\(([\w.]+)\)\)")


class Insert(NamedTuple):
    """The parts of an INSERT, to put several rows into one statement."""

    table: str
    columns: tuple[str, ...]
    head: str
    row: str
    tail: str
    """What happens to a row that is there already; empty where there is none."""

    def statement(self, rows: int) -> str:
        """The statement that inserts so many rows."""
        return f"{self.head}{', '.join([self.row] * rows)}{self.tail}"


@lru_cache(maxsize=1024)
def spelled(statement: str) -> str:
    """A statement for SQLite in PostgreSQL's words."""
    insert = parsed_insert(statement)
    if insert is not None:
        return insert.statement(1)
    return _HEX.sub(r"encode(\1, 'hex')", statement).replace("?", "%s")


@lru_cache(maxsize=256)
def parsed_insert(statement: str) -> Insert | None:
    """The parts of a statement that inserts one row; None for other statements."""
    found = _INSERT.fullmatch(statement)
    if found is None:
        return None
    choice, table, names, marks, tail = found.groups()
    columns = tuple(name.strip() for name in names.split(","))
    if choice == "IGNORE":
        tail = " ON CONFLICT DO NOTHING"
    elif choice == "REPLACE":
        news = ", ".join(f"{name} = excluded.{name}" for name in columns)
        # PostgreSQL gives the primary key of every table this name.
        tail = f" ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET {news}"
    row = f"({marks.replace('?', '%s')})"
    head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - the statements are our own
    return Insert(table, columns, head, row, tail)
