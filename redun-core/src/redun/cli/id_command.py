"""Commands whose arguments are ids: `-.3`, a job of the latest execution, is no option of theirs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_JOB_OF_LATEST = re.compile(r"-(\.[0-9]+)")


class IdCommand(click.Command):
    """Reads `-.3` as the id that it is. Other words with a dash in front are options, and misspelt ones are named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click; the words may be changed."""
        return super().parse_args(ctx, ids_without_dash(args))


def ids_without_dash(words: Sequence[str]) -> list[str]:
    """The same words, with `~1.3` for `-.3`, which means the same. What follows `--` stays."""
    end = words.index("--") if "--" in words else len(words)
    return [_JOB_OF_LATEST.sub(r"~1\1", word) if _is_job(word) else word for word in words[:end]] + list(words[end:])


def _is_job(word: str) -> bool:
    return _JOB_OF_LATEST.fullmatch(word) is not None
