"""States of handles for another repository: which of them hold there.

A state that either side knows as undone is undone: what holds without need costs a run, what holds wrongly gives wrong
results. For the same reason new states of a handle arrive as undone where the other side has a state of it that holds
and that is unknown here: which of the two what the handle stands for is in, neither side can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redun.backends.records import RecordBatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redun.backends.base import Backend
    from redun.backends.holders import Holder
    from redun.backends.records import HandleRecord


def handle_batch(source: Backend, other: Holder) -> RecordBatch | None:
    """What the other side has to be told of handles; None for nothing."""
    mine = _all_states(source)
    told = handles_to_tell(mine, other)
    if not told:
        return None
    # All at once: with some of its edges missing, rolling a state back would leave later ones as they are.
    states = {each.hash for each in told}
    edges = [edge for edge in source.handle_edges(list(mine)) if not states.isdisjoint(edge[:2])]
    return RecordBatch(handles=told, handle_edges=edges)


def handles_to_tell(mine: Mapping[bytes, HandleRecord], other: Holder) -> list[HandleRecord]:
    """Those of these states that the other side lacks or takes for valid without cause, as they are to be there."""
    theirs = _all_states(other) if mine else {}
    elsewhere = {each.fullname for each in theirs.values() if each.is_valid and each.hash not in mine}
    return [
        each._replace(is_valid=each.is_valid and each.fullname not in elsewhere)
        for each in mine.values()
        if each.hash not in theirs or (theirs[each.hash].is_valid and not each.is_valid)
    ]


def _all_states(holder: Backend | Holder) -> dict[bytes, HandleRecord]:
    states: dict[bytes, HandleRecord] = {}
    after = 0
    while page := holder.handles(after=after):
        states.update((record.hash, record) for _, record in page)
        after = page[-1][0]
    return states
