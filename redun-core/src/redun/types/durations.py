"""Spans of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

_LETTERS = {"weeks": "w", "days": "d", "hours": "h", "minutes": "m(?:in)?", "seconds": "s"}
_WEEKS, _DAYS, _HOURS, _MINUTES, _SECONDS = (
    rf"(?:(?P<{unit}>\d+(?:\.\d+)?)\s*{letter}\s*)?" for unit, letter in _LETTERS.items()
)
_FORMS = [
    re.compile(rf"(?P<sign>[-+]?){_WEEKS}{_DAYS}{_HOURS}{_MINUTES}{_SECONDS}"),
    re.compile(rf"(?P<sign>[-+]?)p{_WEEKS}{_DAYS}(?:t{_HOURS}{_MINUTES}{_SECONDS})?"),  # ISO 8601
    re.compile(r"(?P<sign>[-+]?)(?P<seconds>\d+(?:\.\d+)?)"),
]


def read_duration(text: str) -> timedelta:
    """The span that a text says: like 1h30m, a number of seconds, or ISO 8601 without months and years.

    Raises ValueError for any other text.
    """
    for form in _FORMS:
        match = form.fullmatch(text.strip().lower())
        if match is None:
            continue
        parts = match.groupdict()
        sign = -1 if parts.pop("sign") == "-" else 1
        numbers = {unit: float(number) for unit, number in parts.items() if number is not None}
        if numbers:
            return sign * timedelta(**numbers)
    raise ValueError(f"{text!r} is not a span of time: give it like 1h30m, 90 (seconds) or PT1H30M")
