"""Which calls are submitted together: arrays of equal calls, and bundles that share a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from redun.remote.options import MOST_BUNDLED
from redun.remote.units import make_shipment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from redun.executors.base import TaskTarget
    from redun.remote.options import RemoteOptions
    from redun.remote.scratch import Scratch
    from redun.remote.units import RemoteCall, Shipment

LONGEST_WAIT = 10
"""How many times `job_stale_time` a group waits that calls are added to all the time."""
_GUESS = 1.0
"""Seconds that a call of a task is thought to take of which none has ended yet."""


@dataclass(eq=False, slots=True)
class _Group:
    """Calls of one task with the same options, waiting for more."""

    target: TaskTarget
    options: Mapping[str, Any]
    shares_output: bool
    since: float
    touched: float
    calls: list[RemoteCall] = field(default_factory=list)

    def takes(self, item: RemoteCall) -> bool:
        """Whether a call belongs here."""
        call = item.call
        return (
            (call.options is self.options or call.options == self.options)
            and call.target == self.target
            and item.shares_output == self.shares_output
        )


class Grouping:
    """The calls that wait to be submitted. Used by one thread; times are those of `time.monotonic`."""

    def __init__(self, options: RemoteOptions, scratch: Scratch, max_array_size: int) -> None:
        self._options = options
        self._scratch = scratch
        self._most = min(options.max_array_size, max_array_size)
        self._uses_arrays = options.uses_arrays and self._most > 1
        self._groups: dict[str, list[_Group]] = {}
        self._ready: list[RemoteCall] = []
        self._seconds: dict[str, float] = {}

    def add(self, item: RemoteCall, may_be_grouped: bool, now: float) -> None:
        """Add a call, which is submitted by itself or with others."""
        if not may_be_grouped or not (self._uses_arrays or self._bundle_size(item) > 1):
            self._ready.append(item)
            return
        groups = self._groups.setdefault(item.call.target.full_name, [])
        group = next((group for group in groups if group.takes(item)), None)
        if group is None:
            call = item.call
            group = _Group(call.target, call.options, item.shares_output, now, now)
            groups.append(group)
        group.calls.append(item)
        group.touched = now

    def learn(self, task_name: str, seconds: float) -> None:
        """Remember how long a call of a task took."""
        known = self._seconds.get(task_name)
        self._seconds[task_name] = seconds if known is None else 0.8 * known + 0.2 * seconds

    def release(self, now: float) -> list[Shipment]:
        """Take out what is to be submitted now: what waits for nothing, full groups, and those nobody added to."""
        shipments = [self._shipment([[item]]) for item in self._ready]
        self._ready.clear()
        for name, groups in list(self._groups.items()):
            for group in list(groups):
                if now >= self._deadline(group):
                    groups.remove(group)
                    shipments += self._shipments(group)
                else:
                    shipments += self._full_shipments(group)
                    if not group.calls:
                        groups.remove(group)
            if not groups:
                del self._groups[name]
        return shipments

    def next_deadline(self) -> float | None:
        """When there is something to release; None as long as nothing waits."""
        if self._ready:
            return 0.0
        return min((self._deadline(group) for groups in self._groups.values() for group in groups), default=None)

    def drop(self, job_ids: Collection[int] | None = None) -> list[RemoteCall]:
        """Take out these calls, or all of them."""
        dropped = [item for item in self._ready if job_ids is None or item.job_id in job_ids]
        self._ready = [item for item in self._ready if not (job_ids is None or item.job_id in job_ids)]
        for name, groups in list(self._groups.items()):
            for group in groups:
                gone = [item for item in group.calls if job_ids is None or item.job_id in job_ids]
                if gone:
                    dropped += gone
                    ids = {item.job_id for item in gone}
                    group.calls = [item for item in group.calls if item.job_id not in ids]
            self._groups[name] = [group for group in groups if group.calls]
            if not self._groups[name]:
                del self._groups[name]
        return dropped

    def _deadline(self, group: _Group) -> float:
        stale = self._options.job_stale_time
        return min(group.touched + stale, group.since + LONGEST_WAIT * stale)

    def _full_shipments(self, group: _Group) -> list[Shipment]:
        """What need not wait any longer, because no more would go into the same array or bundle."""
        size = self._bundle_size(group.calls[0])
        most = size * (self._most if self._uses_arrays else 1)
        shipments = []
        while len(group.calls) >= most:
            taken, group.calls = group.calls[:most], group.calls[most:]
            shipments.append(self._shipment(_chunks(taken, size)))
        return shipments

    def _shipments(self, group: _Group) -> list[Shipment]:
        bundles = _chunks(group.calls, self._bundle_size(group.calls[0]))
        shipments = []
        if self._uses_arrays:
            while len(bundles) >= max(2, self._options.min_array_size):
                shipments.append(self._shipment(bundles[: self._most]))
                bundles = bundles[self._most :]
        return shipments + [self._shipment([bundle]) for bundle in bundles]

    def _shipment(self, bundles: list[list[RemoteCall]]) -> Shipment:
        options = bundles[0][0].call.options
        prefix = options.get("job_name_prefix") or self._options.job_name_prefix
        return make_shipment(self._scratch, prefix, bundles, self._bundle_seconds(options))

    def _bundle_seconds(self, options: Mapping[str, Any]) -> float | None:
        seconds = options.get("bundle_seconds")
        if seconds is None and options.get("bundle_size") is None:
            seconds = self._options.bundle_seconds
        return None if seconds is None else float(seconds)

    def _bundle_size(self, item: RemoteCall) -> int:
        """How many calls of this task go into one job."""
        options = item.call.options
        seconds = self._bundle_seconds(options)
        own = options.get("bundle_size")
        size = int(own or self._options.bundle_size)
        if seconds is None:
            return size
        each = self._seconds.get(item.call.target.full_name, _GUESS)
        fitting = max(1, min(MOST_BUNDLED, int(seconds / max(each, 1e-3))))
        return min(fitting, size) if size > 1 else fitting


def _chunks(items: list[RemoteCall], size: int) -> list[list[RemoteCall]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
