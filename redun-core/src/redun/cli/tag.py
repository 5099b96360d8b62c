"""`redun tag`: which tags there are, and tags changed afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from redun.errors import UsageError
from redun.tags import MAX_SHOWN, format_tag_key_value, parse_tag_key_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redun.backends.base import Backend
    from redun.backends.records import EntityKind
    from redun.backends.search import TagChanges, TagCount
    from redun.cli.app import App

_IDS_AND_TAGS = "ID... KEY=VALUE..."
_AFTER = "redun.tag.after"
# So that a job such as `-.3` is no option.
_SETTINGS = {"ignore_unknown_options": True}


class _SeparatedCommand(click.Command):
    """Remembers what follows `--`, which click itself would only take out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            position = args.index("--")
            ctx.meta[_AFTER] = tuple(args[position + 1 :])
            args = args[:position]
        return super().parse_args(ctx, args)


@click.group()
def tag() -> None:
    """List and change tags of executions, jobs, calls, tasks and values.

    ID is what `redun log` takes: `-` for the latest execution, an id or the beginning of one, a job such as
    3f9a2c1b.17, the name of a task, or the path of a file.
    """


@tag.command("list")
@click.argument("filters", nargs=-1, metavar="[KEY[=VALUE]]...")
@click.option("--values", "with_values", is_flag=True, help="List each value of each key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N things of each kind.")
@click.option("--no-pager", is_flag=True, help="Never show the output in a pager.")
@click.pass_context
def tag_list(
    ctx: click.Context, filters: Sequence[str], with_values: bool, as_json: bool, limit: int | None, no_pager: bool
) -> None:
    """List the keys of tags, and how many things have each.

    With KEY or KEY=VALUE: everything that has all of these tags, as `redun log --all --tag` shows it; with --values as
    well: how many things have each of them.
    """
    app: App = ctx.obj
    if filters and not with_values:
        from redun.cli.log import log

        words = [word for text in filters for word in ("--tag", text)]
        words += ["--limit", str(limit)] if limit is not None else []
        words += ["--json"] if as_json else []
        words += ["--no-pager"] if no_pager else []
        with log.make_context("log", ["--all", *words], parent=ctx.parent) as inner:
            log.invoke(inner)
        return
    app.start_logging()
    backend = app.open_backend()
    try:
        counts = _counts(backend, filters, with_values)
    finally:
        backend.close()
    if as_json:
        click.echo(json.dumps(_count_data(counts, with_values), indent=2))
        return
    click.echo("Tags:")
    for line in _count_lines(counts, with_values):
        click.echo(f"  {line}")


@tag.command(cls=_SeparatedCommand, context_settings=_SETTINGS)
@click.argument("words", nargs=-1, metavar=_IDS_AND_TAGS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def add(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Add tags. A key may have several values; a tag that is there already is no change."""
    ids, tags = _ids_and_tags(ctx, words)
    pairs = [_pair(text) for text in tags]
    _edit(ctx.obj, "add", ids, {"add": tuple(pairs)}, pairs, as_json=as_json)


@tag.command(cls=_SeparatedCommand, context_settings=_SETTINGS)
@click.argument("words", nargs=-1, metavar=_IDS_AND_TAGS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def update(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Set tags: the new values replace all others of the same keys."""
    ids, tags = _ids_and_tags(ctx, words)
    pairs = [_pair(text) for text in tags]
    changes = {"remove_keys": tuple(key for key, _ in pairs), "add": tuple(pairs)}
    _edit(ctx.obj, "update", ids, changes, pairs, as_json=as_json)


@tag.command(cls=_SeparatedCommand, context_settings=_SETTINGS)
@click.argument("words", nargs=-1, metavar="ID... [--] KEY[=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def rm(ctx: click.Context, words: Sequence[str], as_json: bool) -> None:
    """Remove tags. A key alone, after `--`, removes all of its values.

    What is removed stays in the repository's history, but is no longer found or shown.
    """
    ids, tags = _ids_and_tags(ctx, words)
    keys = tuple(text for text in tags if "=" not in text)
    if "" in keys:
        raise UsageError("a key cannot be empty")
    pairs = tuple(_pair(text) for text in tags if "=" in text)
    _edit(ctx.obj, "delete", ids, {"remove_keys": keys, "remove": pairs}, None, as_json=as_json)


def _ids_and_tags(ctx: click.Context, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What was given: ids, then tags, which begin after `--` or else with the first `=`."""
    if _AFTER in ctx.meta:
        ids, tags = list(words), list(ctx.meta[_AFTER])
    else:
        ids = [word for word in words if "=" not in word]
        tags = [word for word in words if "=" in word]
    if not tags:
        form = "[--] KEY[=VALUE]..., where `--` sets bare keys apart" if ctx.info_name == "rm" else "KEY=VALUE..."
        raise UsageError(f"no tags given: redun tag {ctx.info_name} ID... {form}")
    if not ids:
        raise UsageError(f"no id given: redun tag {ctx.info_name} ID... {' '.join(tags)}")
    return ids, tags


def _pair(text: str) -> tuple[str, Any]:
    try:
        return parse_tag_key_value(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _edit(
    app: App,
    verb: str,
    ids: Sequence[str],
    changes: dict[str, Any],
    shown: list[tuple[str, Any]] | None,
    *,
    as_json: bool,
) -> None:
    from redun.backends.search import TagEdit
    from redun.provenance.find import find_tagged

    app.start_logging()
    backend = app.open_backend()
    try:
        # Everything is found before anything is changed.
        things = list(dict.fromkeys(find_tagged(backend, text) for text in ids))
        edits = [TagEdit(*thing, **changes) for thing in things]
        made = backend.edit_tags(edits)
    finally:
        backend.close()
    if as_json:
        click.echo(json.dumps(_change_data(made), indent=2))
        return
    for kind, name in things:
        pairs = shown
        if pairs is None:
            pairs = [(tag.key, tag.value) for tag in made.removed if (tag.entity_kind, tag.entity_id) == (kind, name)]
        if pairs:
            click.echo(f"{verb} tag {_kind_name(kind)}:{name} {_shown(pairs)}")
        else:
            asked = [*changes.get("remove_keys", ()), *(_shown([pair]) for pair in changes.get("remove", ()))]
            click.echo(f"no such tag: {_kind_name(kind)}:{name} {' '.join(asked)}")


def _shown(pairs: Iterable[tuple[str, Any]]) -> str:
    return " ".join(f"{key}={json.dumps(value, sort_keys=True, ensure_ascii=False)}" for key, value in pairs)


def _change_data(made: TagChanges) -> dict[str, Any]:
    return {
        verb: [
            {"kind": tag.entity_kind.name.lower(), "id": tag.entity_id, "key": tag.key, "value": tag.value}
            for tag in tags
        ]
        for verb, tags in zip(("added", "removed"), made, strict=True)
    }


# -- listing ----------------------------------------------------------------------------------------------------------


def _counts(backend: Backend, filters: Sequence[str], with_values: bool) -> list[TagCount]:
    from redun.backends.search import tag_text
    from redun.cli.log.filters import read_tag_filter

    if not with_values:
        return backend.tag_counts()
    wanted = [read_tag_filter(text, "redun tag list") for text in filters]
    keys = [each.key for each in wanted] or [each.key for each in backend.tag_counts()]
    return [
        count
        for key in sorted(set(keys))
        for count in backend.tag_counts(key)
        if not wanted or any(each.key == key and each.text in (None, tag_text(count.value)) for each in wanted)
    ]


def _count_lines(counts: list[TagCount], with_values: bool) -> list[str]:
    rows: dict[str, list[str]] = {}
    for count in counts:
        if with_values:
            name = format_tag_key_value(count.key, count.value)
        else:
            name = count.key if len(count.key) <= MAX_SHOWN else f"{count.key[: MAX_SHOWN - 3]}..."
        rows.setdefault(name, []).append(f"{count.count} {_kind_name(count.entity_kind)}")
    width = min(max(map(len, rows), default=0), 30)
    return [f"{name:{width}} ({', '.join(texts)})" for name, texts in rows.items()] or ["(none)"]


def _count_data(counts: list[TagCount], with_values: bool) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for count in counts:
        row = {"key": count.key, **({"value": count.value} if with_values else {}), "counts": {}}
        same = rows.setdefault(json.dumps(row, sort_keys=True), row)
        same["counts"][count.entity_kind.name.lower()] = count.count
    return list(rows.values())


def _kind_name(kind: EntityKind) -> str:
    return "CallNode" if kind.name == "CALL" else kind.name.title()
