"""Commands whose arguments are ids: `-.3`, a job of the latest execution, is no option of theirs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from redun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPED = "redun.ids_as_typed"
_JOB_OF_LATEST = re.compile(r"-(\.[0-9]+)")


class IdCommand(click.Command):
    """Reads `-.3` as the id that it is. Other words with a dash in front are options, and misspelt ones are named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click; the words may be changed."""
        words = ids_without_dash(args)
        changed = {after: before for before, after in zip(args, words, strict=True) if before != after}
        ctx.meta[_TYPED] = changed
        try:
            return super().parse_args(ctx, list(words))  # which click takes apart
        except click.NoSuchOption as error:
            wrong = next((word for word in words if word.startswith("-.")), None)
            if wrong is None or error.option_name.strip("-") != ".":
                raise
            raise UsageError(
                f"{wrong!r} is no id: `-.3` is job 3 of the latest execution, `~2.3` that of the one before, "
                "and `3f9a2c1b.3` that of an execution by the beginning of its id"
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """See click; messages name ids as they were typed."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            message = str(error)
            for after, before in ctx.meta[_TYPED].items():
                message = message.replace(repr(after), repr(before))
            if message == str(error):
                raise
            raise type(error)(message) from error


def ids_without_dash(words: Sequence[str]) -> list[str]:
    """The same words, with `~1.3` for `-.3`, which means the same. What follows `--` stays."""
    end = words.index("--") if "--" in words else len(words)
    return [_JOB_OF_LATEST.sub(r"~1\1", word) if _is_job(word) else word for word in words[:end]] + list(words[end:])


def _is_job(word: str) -> bool:
    return _JOB_OF_LATEST.fullmatch(word) is not None
