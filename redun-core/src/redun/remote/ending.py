"""Ending jobs elsewhere, except those that somebody else waits for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from redun.remote.asking import Asking
from redun.remote.reunion import claimed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redun.remote.polling import PollingExecutor
    from redun.remote.scratch import Scratch
    from redun.remote.units import Shipment, Unit

PATIENCE = 10.0
"""Seconds that `stop` takes to end jobs, at most."""


def end_jobs(executor: PollingExecutor, scratch: Scratch, asking: Asking, units: Sequence[Unit]) -> set[Unit]:
    """End jobs. Returns those that were left alone, because other schedulers wait for them.

    Raises `ScratchError` where that cannot be told, and what the executor raises.
    """
    kept = claimed(scratch, units)
    ids = _shortest([unit for unit in units if unit not in kept])
    most = executor.limits.ids_per_cancel
    for start in range(0, len(ids), most):
        asking.ask(executor.cancel_jobs, ids[start : start + most])
    return kept


def end_jobs_at_last(executor: PollingExecutor, scratch: Scratch, units: Sequence[Unit]) -> set[Unit]:
    """End jobs, as `end_jobs` does, but not with endless patience."""
    given_up = threading.Event()
    timer = threading.Timer(PATIENCE, given_up.set)
    timer.daemon = True
    timer.start()
    try:
        return end_jobs(executor, scratch, Asking(executor.error_kind, given_up), units)
    finally:
        timer.cancel()


def _shortest(units: Sequence[Unit]) -> list[str]:
    """The ids of these jobs, with that of an array in the place of those of all its jobs."""
    wanted = set(units)
    ids: dict[str, None] = {}
    for unit in units:
        shipment = unit.shipment
        whole = shipment is not None and shipment.is_array and _is_wanted(shipment, wanted)
        ids[shipment.remote_id if shipment is not None and whole else unit.remote_id] = None
    return list(ids)


def _is_wanted(shipment: Shipment, wanted: set[Unit]) -> bool:
    return all(unit in wanted or unit.has_ended for unit in shipment.units)
