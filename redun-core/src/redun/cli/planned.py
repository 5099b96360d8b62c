"""Commands and options of redun that are known but not there yet: they are told from typing errors."""

from __future__ import annotations

from typing import Any

import click

from redun.errors import UsageError

COMMANDS = (
    "aws",
    "console",
    "launch",
    "oneshot",
)

RUN_FLAGS = (["--pdb"], ["--rerun"])
RUN_VALUES = (["--exclude-user"],)


def planned_options(flags: tuple[list[str], ...], values: tuple[list[str], ...]) -> list[click.Parameter]:
    """Hidden options that only say that they are not supported yet, made anew for each command that takes them."""
    common: dict[str, Any] = {"hidden": True, "expose_value": False, "callback": _refuse}
    return [
        *(click.Option(names, is_flag=True, default=None, **common) for names in flags),
        *(click.Option(names, multiple=True, **common) for names in values),
    ]


def _refuse(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        raise UsageError(f"{option.opts[-1]} of `redun {ctx.info_name}` is not supported yet")
