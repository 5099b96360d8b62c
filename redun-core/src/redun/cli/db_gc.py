"""`redun db gc`: removes old executions, and what nothing refers to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from redun.cli.id_command import IdCommand
from redun.cli.stages import Stages, bytes_text
from redun.errors import UsageError

if TYPE_CHECKING:
    from redun.backends.base import Backend
    from redun.backends.maintenance import Garbage
    from redun.backends.search import TagFilter
    from redun.cli.app import App
    from redun.provenance.retention import Retention

_MOST_LISTED = 20


class _Age(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """A span of time, in seconds."""

    name = "age"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from redun.types.durations import read_duration

        if not isinstance(value, str):
            return value
        try:
            seconds = read_duration(value).total_seconds()
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)
        if seconds < 0:
            self.fail(f"{value!r} is less than nothing", param, ctx)
        return seconds


@dataclass(frozen=True, slots=True)
class _Choice:
    """The options that say which executions are to go, as the command line has them."""

    execution_ids: tuple[str, ...]
    keep_last: int | None
    older_than: float | None
    statuses: tuple[str, ...]
    tags: tuple[str, ...]
    not_tags: tuple[str, ...]

    def retention(self, backend: Backend) -> Retention:
        """What they mean, once the ids are looked up. Raises `UsageError` for what is no id, status or tag."""
        from redun.provenance.find import find_execution
        from redun.provenance.retention import Retention

        return Retention(
            execution_ids=tuple(dict.fromkeys(find_execution(backend, text) for text in self.execution_ids)),
            statuses=_statuses(self.statuses),
            tags=_tags(self.tags, "--tag"),
            other_tags=_tags(self.not_tags, "--not-tag"),
            older_than=self.older_than,
            keep_last=self.keep_last,
        )


@click.command(cls=IdCommand)
@click.argument("execution_ids", nargs=-1, metavar="[EXEC_ID]...")
@click.option("--keep-last", type=click.IntRange(min=0), metavar="N", help="Keep the newest N of those that fit.")
@click.option("--older-than", type=_Age(), metavar="AGE", help="Executions not heard of since, such as 30d or 12h.")
@click.option("--status", "statuses", multiple=True, metavar="STATUS,...", help="DONE, FAILED, CANCELLED or LOST ones.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Executions with a tag.")
@click.option("--not-tag", "not_tags", multiple=True, metavar="KEY[=VALUE]", help="Executions without a tag.")
@click.option("--grace", type=_Age(), default="1h", show_default=True, help="Nothing that is newer goes.")
@click.option("--yes", is_flag=True, help="Remove it. Without this, only show what would go.")
@click.option("--vacuum", is_flag=True, help="Then give the room back to the filesystem; others wait meanwhile.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def gc(app: App, /, grace: float, yes: bool, vacuum: bool, as_json: bool, **choice: Any) -> None:
    """Remove executions, with their jobs and every result, value, task and file of the value store that only they need.

    Removed are executions that fit all that is given, and whatever nothing refers to. Without options and EXEC_IDs it
    is only the latter. A call that is made again after its last execution was removed has to run again.

    Executions that run stay, and so does what they use. Nothing is removed without --yes.
    """
    from redun.cli.app import open_to_write

    if vacuum and not yes:
        raise UsageError("--vacuum gives back the room of what is removed: it needs --yes")
    app.start_logging()
    config = app.load_existing_config()
    backend = open_to_write(config) if yes else app.open_backend()
    try:
        chosen = _Choice(**choice).retention(backend).select(backend)
        with Stages() as stages:
            collect = backend.collect_garbage if yes else backend.plan_garbage
            garbage = collect(chosen, grace, stages.tell)
            if vacuum:
                stages.tell("giving back room")
            given_back = backend.reclaim_space() if vacuum else None
    finally:
        backend.close()
    (_print_json if as_json else _print)(garbage, yes, given_back)


def _statuses(texts: tuple[str, ...]) -> frozenset[str]:
    from redun.provenance.search import EXECUTION_STATUSES

    names = frozenset(word.strip().upper() for text in texts for word in text.split(","))
    for name in sorted(names.difference(EXECUTION_STATUSES)):
        raise UsageError(f"--status: {name!r} is no status. Known: {', '.join(EXECUTION_STATUSES)}")
    return names


def _tags(texts: tuple[str, ...], option: str) -> tuple[TagFilter, ...]:
    from redun.cli.log.filters import read_tag_filter

    return tuple(read_tag_filter(text, option) for text in texts)


def _print(garbage: Garbage, is_done: bool, given_back: int | None) -> None:
    for execution, why in garbage.kept[:_MOST_LISTED]:
        click.echo(f"Stays: execution {execution}, {why}.")
    if len(garbage.kept) > _MOST_LISTED:
        click.echo(f"{len(garbage.kept) - _MOST_LISTED} more executions stay for such reasons.")
    for execution in garbage.executions[:_MOST_LISTED]:
        click.echo(f"{'Removed' if is_done else 'Would remove'}: execution {execution}")
    if len(garbage.executions) > _MOST_LISTED:
        click.echo(f"... and {len(garbage.executions) - _MOST_LISTED} more executions")
    for size in garbage.sizes:
        click.echo(f"{size.kind:>14} {size.count:>12,} {bytes_text(size.bytes):>12}")
    total = bytes_text(garbage.bytes)
    if not garbage.sizes:
        click.echo("Nothing to remove.")
    elif not is_done:
        click.echo(f"About {total} would be freed. Nothing was removed: add --yes.")
    elif given_back is None:
        click.echo(f"About {total} are free for new records; --vacuum gives the room back to the filesystem.")
    if given_back is not None:
        click.echo(f"Given back to the filesystem: {bytes_text(given_back)}.")
    if garbage.postponed:
        click.echo(f"Some results are out of use, and wait for a later collection: {garbage.postponed}.")


def _print_json(garbage: Garbage, is_done: bool, given_back: int | None) -> None:
    content = {
        "removed": is_done,
        "executions": list(garbage.executions),
        "kept": [{"execution": each.id, "why": each.why} for each in garbage.kept],
        "sizes": {size.kind: {"count": size.count, "bytes": size.bytes} for size in garbage.sizes},
        "bytes": garbage.bytes,
        "given_back": given_back,
        "postponed": garbage.postponed,
    }
    click.echo(json.dumps(content))
