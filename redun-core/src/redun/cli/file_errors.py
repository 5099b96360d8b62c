"""What the operating system and stores say of files, as errors of the command."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from redun.errors import RedunError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def files_reported() -> Iterator[None]:
    """Let errors of files be errors of this command. Any other OSError is one of its own output."""
    try:
        yield
    except RedunError as error:
        if isinstance(error, OSError):
            raise RedunError(str(error)) from error
        raise
