"""What a search of a repository is given and gives, newest first; and edits of tags, which may be changed afterwards.

The part of the interface is `redun.backends.parts.Search`.

Promises, checked by `redun.testing.BackendSuite`:

- a search gives each thing once, and reads page by page while it is consumed;
- filters of one kind are alternatives (`task_names=("a", "b")`), except for tags, all of which are needed; different
  filters all have to hold;
- filters on executions, job statuses, tasks, results and arguments are about *one* job: an execution is found if such a
  job is part of it, a call if such a job made it, a task if such a job ran it, a value or file if such a job took or
  returned it, alone or in a container;
- a tag that is removed or replaced is no longer found or shown.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.backends.records import (
        EntityKind,
        Status,
        TagRecord,
    )


class Kind(enum.Enum):
    """What can be searched for, in the order in which it is shown."""

    EXECUTION = "execution"
    JOB = "job"
    CALL = "call"
    TASK = "task"
    VALUE = "value"
    FILE = "file"


class TagFilter(NamedTuple):
    """A tag that something must have."""

    key: str
    value: Any = None
    any_value: bool = False
    """Whether every value of the key will do."""

    @property
    def text(self) -> str | None:
        """The value as `tag_text` writes it; None for every value."""
        return None if self.any_value else tag_text(self.value)


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for. A filter that is empty lets everything through."""

    execution_ids: tuple[str, ...] = ()
    """Full ids."""
    execution_statuses: frozenset[Status] = frozenset()
    execution_tags: tuple[TagFilter, ...] = ()
    job_statuses: frozenset[Status] = frozenset()
    task_names: tuple[str, ...] = ()
    """`namespace.name`, or a name alone, which finds the task in every namespace."""
    task_hashes: tuple[bytes, ...] = ()
    results: tuple[bytes, ...] = ()
    """Hashes of values that a call returned."""
    arguments: tuple[bytes, ...] = ()
    """Hashes of values that a call took."""
    tags: tuple[TagFilter, ...] = ()
    """Of the thing itself."""
    value_types: tuple[str, ...] = ()
    """For values and files only: the full name of a type, or what follows its last dot."""
    paths: tuple[str, ...] = ()
    """For values and files only: paths, in which `*` stands for any characters."""

    @property
    def names_executions(self) -> bool:
        """Whether anything is asked of executions."""
        return bool(self.execution_ids or self.execution_statuses or self.execution_tags)

    @property
    def names_calls(self) -> bool:
        """Whether anything is asked of tasks, results or arguments."""
        return bool(self.task_names or self.task_hashes or self.results or self.arguments)

    @property
    def names_jobs(self) -> bool:
        """Whether anything is asked that one job must have."""
        return bool(self.names_executions or self.job_statuses or self.names_calls)


class ValueRow(NamedTuple):
    """A value, without its content."""

    hash: bytes
    type_name: str
    codec: str
    path: str | None
    """Of a file or directory."""


class TagCount(NamedTuple):
    """How many things of one kind have a tag."""

    key: str
    value: Any
    """None where all values of the key are counted together."""
    entity_kind: EntityKind
    count: int  # type: ignore[assignment]  # hides a method of tuples


class TagEdit(NamedTuple):
    """A change of the tags of one thing: what is removed, and then what is added."""

    entity_kind: EntityKind
    entity_id: str
    remove_keys: tuple[str, ...] = ()
    """Keys of which every value goes, unless the same tag is added."""
    remove: tuple[tuple[str, Any], ...] = ()
    add: tuple[tuple[str, Any], ...] = ()


class TagChanges(NamedTuple):
    """What an edit has changed. A tag that was there and is added again is no change."""

    added: list[TagRecord]
    removed: list[TagRecord]


def check_query(kind: Kind, query: Query) -> None:
    """Raise `BackendError` for a filter that says nothing about this kind of thing; for use by backends."""
    if kind not in (Kind.VALUE, Kind.FILE) and (query.value_types or query.paths):
        raise BackendError(f"types of values and paths of files say nothing about a {kind.value}")


def tag_text(value: Any) -> str:
    """The value of a tag as text, the same for equal values and no others: `1`, `1.0` and `true` differ."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def path_pattern(pattern: str) -> re.Pattern[str]:
    """What a path must match in full, where `*` in the pattern stands for any characters."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def is_type_named(type_name: str, names: Sequence[str]) -> bool:
    """Whether a type is one of these, by its full name or by what follows its last dot."""
    return type_name in names or type_name.rpartition(".")[2] in names
