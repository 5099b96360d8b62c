"""The words in which a task says where its results may come from."""

from __future__ import annotations

import enum


class CacheScope(enum.StrEnum):
    """Where a call may find an earlier result."""

    NONE = "NONE"
    """Nowhere: it always runs."""
    CSE = "CSE"
    """Within the same execution."""
    BACKEND = "BACKEND"
    """Within the same execution and in the repository."""


class CacheCheckValid(enum.StrEnum):
    """How much of an earlier call is checked before its result is used again."""

    FULL = "full"
    """Everything below the call is looked up again."""
    SHALLOW = "shallow"
    """The final result counts as long as every task below the call is unchanged."""


class CacheResult(enum.StrEnum):
    """Which kind of earlier result was found."""

    CSE = "CSE"
    SINGLE = "SINGLE"
    ULTIMATE = "ULTIMATE"
    MISS = "MISS"
