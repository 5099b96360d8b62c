"""`--check-version`: go on only with a certain version of redun."""

from __future__ import annotations

import operator
import re

from redun.errors import UsageError
from redun.version import __version__

_OPERATORS = {
    "": operator.eq,
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*(==|>=|<=|>|<|)\s*([0-9]+(?:\.[0-9]+)*)\s*")
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def check_version(specification: str, version: str = __version__) -> None:
    """Compare a version with conditions such as `>=1.2,<2`, joined by commas.

    Raises UsageError when a condition does not hold or cannot be read.
    """
    if not fulfils(version, specification):
        raise UsageError(f"this is redun {version}, which is not {specification}")


def fulfils(version: str, specification: str) -> bool:
    """Whether all conditions hold for a version. Raises UsageError when one of them cannot be read."""
    conditions = []
    for condition in specification.split(","):
        match = _CONDITION.fullmatch(condition)
        if match is None:
            raise UsageError(f"--check-version {specification!r}: {condition!r} should look like >=1.2, <2 or ==1.2.3")
        conditions.append(match)
    return all(_OPERATORS[match[1]](*_same_length(version, match[2])) for match in conditions)


def _same_length(version: str, other: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    # 1.2 and 1.2.0 are the same version.
    release = _RELEASE.match(version)
    left = [int(part) for part in (release[0] if release else "0").split(".")]
    right = [int(part) for part in other.split(".")]
    length = max(len(left), len(right))
    return tuple(left + [0] * (length - len(left))), tuple(right + [0] * (length - len(right)))
