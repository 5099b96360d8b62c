"""What somebody may have meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The known name that is closest to the given one, if one is close. Upper and lower case count little."""
    from difflib import get_close_matches

    by_folded = {name.replace("-", "_").lower(): name for name in known}
    found = get_close_matches(given.replace("-", "_").lower(), by_folded, n=1, cutoff=0.7)
    return by_folded[found[0]] if found else None


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`; did you mean <name>?`, or nothing."""
    found = nearest(given, known)
    return f"; did you mean {found}?" if found else ""
