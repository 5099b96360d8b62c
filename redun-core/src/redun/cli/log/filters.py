"""The options of `redun log` that say what to show, and what they ask of the repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redun.backends.base import Backend
    from redun.backends.search import Kind, TagFilter
    from redun.provenance.search import Search

FLAGS = {
    "all": "executions, jobs, calls, tasks and values",
    "exec": "executions",
    "job": "jobs",
    "call-node": "completed calls",
    "task": "versions of tasks",
    "value": "values",
    "file": "files, each path once",
}
_KINDS = {
    "exec": "EXECUTION",
    "job": "JOB",
    "call-node": "CALL",
    "task": "TASK",
    "value": "VALUE",
    "file": "FILE",
}
_FILTERS: dict[str, tuple[list[str], str, str]] = {
    "exec_id": (["--exec-id"], "ID,...", "Executions, as ID above."),
    "exec_status": (["--exec-status"], "STATUS,...", "Executions that are RUNNING, DONE, FAILED, CANCELLED or LOST."),
    "exec_tag": (["--exec-tag"], "KEY[=VALUE]", "Executions with a tag."),
    "job_status": (["--job-status"], "STATUS,...", "Jobs that are RUNNING, DONE, CACHED, FAILED, CANCELLED or LOST."),
    "task_name": (["--task-name"], "NAME", "Tasks by name, with namespace or without."),
    "task_hash": (["--task-hash"], "HASH", "One version of a task."),
    "result": (["--result"], "HASH", "Calls that returned a value."),
    "arg": (["--arg"], "HASH", "Calls that took a value."),
    "tag": (["-t", "--tag"], "KEY[=VALUE]", "What has a tag itself."),
    "value_type": (["--value-type"], "TYPE", "Values and files of a type, such as File or builtins.int."),
    "file_path": (["--file-path"], "PATH", "Values and files by path, in which * stands for anything."),
}
_ABOUT_JOBS = ("job_status", "task_name", "task_hash", "result", "arg")


def filter_options() -> list[click.Parameter]:
    """The options as click's, made anew for each command that takes them."""
    return [
        *(click.Option([f"--{name}"], is_flag=True, help=f"Show {text}.") for name, text in FLAGS.items()),
        *(click.Option(names, multiple=True, metavar=metavar, help=text) for names, metavar, text in _FILTERS.values()),
    ]


@dataclass(frozen=True, slots=True)
class Filters:
    """What was given on the command line, as text."""

    kinds: tuple[str, ...]
    """Names of flags."""
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> Filters:
        """From the parameters of click."""
        kinds = tuple(name for name in FLAGS if parameters[name.replace("-", "_")])
        return cls(kinds, {name: parameters[name] for name in _FILTERS if parameters[name]})

    def __bool__(self) -> bool:
        return bool(self.kinds or self.texts)

    @property
    def is_about_parts(self) -> bool:
        """Whether these filters say by themselves that they are not about executions."""
        return bool(self.kinds) or any(name in self.texts for name in (*_ABOUT_JOBS, "value_type", "file_path"))

    def within(self, option: str, text: str) -> Filters:
        """These filters with another one, of which the option and its text are given."""
        if option in self.texts:
            raise UsageError(f"give either ID or --{option.replace('_', '-')}")
        return Filters(self.kinds, {**self.texts, option: (text,)})

    def kinds_to_show(self) -> list[Kind]:
        """What to show: what was asked for, or else what the filters speak of.

        Raises UsageError for a filter that says nothing about a kind that was asked for.
        """
        from redun.backends.search import Kind

        about_values = [name for name in ("value_type", "file_path") if name in self.texts]
        if "all" in self.kinds:
            kinds = [kind for kind in Kind if kind is not Kind.FILE or "file" in self.kinds]
            return [kind for kind in kinds if not about_values or kind in (Kind.VALUE, Kind.FILE)]
        if self.kinds:
            for name in self.kinds:
                if about_values and name not in ("value", "file"):
                    option = about_values[0].replace("_", "-")
                    raise UsageError(f"--{option} is about values and files: it says nothing about --{name}")
            return [Kind[_KINDS[name]] for name in self.kinds]
        if "file_path" in self.texts:
            return [Kind.FILE]
        if about_values:
            return [Kind.VALUE]
        return [Kind.JOB if any(name in self.texts for name in _ABOUT_JOBS) else Kind.EXECUTION]

    def search(self, backend: Backend) -> Search:
        """What to ask of the repository. Raises UsageError for a filter that names nothing, or is no filter at all."""
        from redun.backends.search import Query
        from redun.provenance.find import find_execution, find_task, find_value
        from redun.provenance.search import EXECUTION_STATUSES, JOB_STATUSES, make_search

        query = Query(
            execution_ids=self._found(backend, "exec_id", find_execution),
            execution_tags=self._tags("exec_tag"),
            task_names=self.texts.get("task_name", ()),
            task_hashes=self._found(backend, "task_hash", find_task),
            results=self._found(backend, "result", find_value),
            arguments=self._found(backend, "arg", find_value),
            tags=self._tags("tag"),
            value_types=self.texts.get("value_type", ()),
            paths=self.texts.get("file_path", ()),
        )
        return make_search(
            query, self._statuses("exec_status", EXECUTION_STATUSES), self._statuses("job_status", JOB_STATUSES)
        )

    def _found(self, backend: Backend, option: str, find: Callable[[Backend, str], Any]) -> tuple[Any, ...]:
        found = []
        for text in self._words(option):
            try:
                found.append(find(backend, text))
            except UsageError as error:
                raise UsageError(f"{_name(option)}: {error}") from None
        return tuple(dict.fromkeys(found))

    def _statuses(self, option: str, known: Sequence[str]) -> frozenset[str]:
        statuses = frozenset(word.upper() for word in self._words(option))
        for status in sorted(statuses.difference(known)):
            raise UsageError(f"{_name(option)}: {status!r} is no status. Known: {', '.join(known)}")
        return statuses

    def _tags(self, option: str) -> tuple[TagFilter, ...]:
        return tuple(read_tag_filter(text, _name(option)) for text in self.texts.get(option, ()))

    def _words(self, option: str) -> list[str]:
        words = [word.strip() for text in self.texts.get(option, ()) for word in text.split(",")]
        if not all(words):
            raise UsageError(f"{_name(option)}: something is missing beside a comma")
        return words


def read_tag_filter(text: str, name: str) -> TagFilter:
    """The filter that `key=value`, or `key` for every value, stands for. Raises UsageError for what is neither."""
    from redun.provenance.filters import tag_filter

    try:
        return tag_filter(text)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def _name(option: str) -> str:
    return f"--{option.replace('_', '-')}"
