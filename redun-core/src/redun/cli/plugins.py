"""`redun plugins`: which plugins are installed, what they provide, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from redun.plugins import Plugins

_COLUMNS = ("plugin", "distribution", "version", "status", "provides")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(as_json: bool) -> None:
    """List the installed plugins.

    REDUN_DISABLE_PLUGINS=a,b leaves out plugins or distributions; REDUN_PLUGIN_AUTOLOAD=0 leaves out all but the core.
    """
    from redun.plugins import get_plugins
    from redun.plugins.foreign import check_foreign_redun

    found = get_plugins()
    problems = found.problems()
    foreign = check_foreign_redun()
    if foreign is not None:
        problems.insert(0, foreign)
    rows = _rows(found)
    if as_json:
        import json

        click.echo(json.dumps({"plugins": rows, "problems": problems}, indent=2))
        return
    click.echo(_table(rows))
    for problem in problems:
        click.echo(problem, err=True)


def _rows(found: Plugins) -> list[dict[str, Any]]:
    return [
        {
            "plugin": record.name,
            "distribution": record.distribution,
            "version": record.version,
            "status": record.status,
            "error": record.error,
            "module": record.module,
            "provides": found.provided_by(record),
        }
        for record in found.records
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [list(_COLUMNS)]
    for row in rows:
        provides = "; ".join(f"{kind} {', '.join(names)}" for kind, names in row["provides"].items())
        cells.append([row["plugin"], row["distribution"], row["version"], row["status"], provides])
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in cells
    )
