"""The options of the executor: in `redun.ini`, and of a task."""

from __future__ import annotations

import sys

from pydantic import Field
from redun.config.settings import Settings


class SubprocessSettings(Settings):
    """`type = subprocess`: runs every call in a fresh Python interpreter."""

    slots: int = Field(2, ge=1, description="How many calls run at once, at most.")
    python: str = Field(sys.executable, description="The interpreter. redun-core must be installed for it.")


class SubprocessTaskOptions(Settings):
    """What a task may ask of this executor."""

    python: str | None = Field(None, description="The interpreter for this task, instead of the executor's.")
