"""What another attempt of an async task makes again, and how often that may be.

Calls that fail are then made again, also for whoever else makes them. Where all who make one do so one after the other,
it is known how often it is made; where some do so side by side, only how often at most.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from truth_outcomes import Outcome, Trace, reached

if TYPE_CHECKING:
    from truth_repository import CachedCall


class Memory:
    """The calls of one execution, or one sub-run, by what equal ones have in common.

    made: those that others can share. forgotten: those that have failed and were to be made again, the last of each.
    """

    def __init__(self) -> None:
        self.made: dict[Any, CachedCall] = {}
        self.forgotten: dict[Any, CachedCall] = {}


def is_same_call(one: CachedCall, other: CachedCall) -> bool:
    """Whether equal calls would also be made alike."""
    return one.settings[3:6] == other.settings[3:6] and one.decision == other.decision


def is_in_order(
    calls: Collection[CachedCall], forgetters: Collection[CachedCall], trace: Trace, is_outermost: bool = True
) -> bool:
    """Whether some calls are made one after the other: all below one call, by attempts that end before the next begins.

    forgetters: those that have some of the calls made again.
    """
    inner = [call for call in reached(Outcome(trace=trace), only_sure=False) if call in forgetters]
    if not inner:
        return is_outermost or not _may_be_late(calls, trace)
    for forgetter in inner:
        if not _leads_to(calls, trace, forgetter):
            in_time = is_outermost or not _may_be_late([forgetter], trace)
            return in_time and all(is_in_order(calls, forgetters, each, False) for each in _attempts(forgetter))
    return False


def _attempts(forgetter: CachedCall) -> list[Trace]:
    ended = sum(map(len, forgetter.retried))
    return [*forgetter.retried, forgetter.children[ended:]]


def _may_be_late(calls: Collection[CachedCall], trace: Trace) -> bool:
    """Whether a call may still go on when what it was made for has failed."""
    steps = [*trace, *(step for call in reached(Outcome(trace=trace), only_sure=False) for step in call.children)]
    return any(_leads_to(calls, ((True, call),)) for is_sure, call in steps if not is_sure)


def _leads_to(calls: Collection[CachedCall], trace: Trace, around: CachedCall | None = None) -> bool:
    """Whether one of some calls is reached, on a way around another one."""
    seen = {around}
    stack: list[Any] = [call for _, call in trace]
    while stack:
        call = stack.pop()
        if call not in seen:
            if call in calls:
                return True
            seen.add(call)
            stack.extend(child for _, child in call.children)
    return False


def runs_side_by_side(those: list[CachedCall]) -> bool:
    """Whether some calls, in the order in which they were made, are not each made when the one before was forgotten."""
    ended = 0
    for call in those:
        if call.first != ended:
            return True
        ended = call.first + call.tries
    return False


def most_runs(those: list[CachedCall]) -> int:
    """How often the body of some calls runs at most, if none is made again."""
    distinct: dict[Any, int] = {}
    for call in those:
        key = (call.memory, call.shared_key) if call.memory is not None else call
        distinct[key] = max(distinct.get(key, 0), call.tries)
    return sum(distinct.values())
